import { type EtcdServer, etcdOn } from './etcd-binary.ts'
import { EtcdPeers } from './etcd-peers.ts'
import { poll } from './poll.ts'
import { onFreePorts } from './port.ts'

export interface EtcdCluster {
  readonly members: readonly EtcdServer[]
  /** The member that leads now, once there is one. */
  leader(): Promise<EtcdServer>
  /** Ends all members. Idempotent. */
  stop(): Promise<void>
}

export interface EtcdClusterOptions {
  /** Default: 3. */
  readonly size?: number
  /** Of each member. Default: none. */
  readonly args?: readonly string[]
  /** The network between the members, if it is to be parted. Default: none. */
  readonly peers?: EtcdPeers
}

/** A cluster that has a leader. */
export function startEtcdCluster({ size = 3, args = [], peers }: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  return onFreePorts(async (first, second) => {
    // Ports in a row: of each pair one for clients and one for the other members.
    const ports = Array.from({ length: size }, (_, at) => ({ port: first + at, peerPort: second + at }))
    const peerUrls = ports.map(({ peerPort }) =>
      peers === undefined ? `http://127.0.0.1:${peerPort}` : EtcdPeers.url(peerPort),
    )
    const cluster = peerUrls.map((peerUrl, at) => `member${at}=${peerUrl}`)
    const members = await Promise.all(
      ports.map(async (pair, at) => {
        const env = (await peers?.environmentOf(pair.peerPort)) ?? {}
        return etcdOn({ name: `member${at}`, cluster, args, env, peerUrl: peerUrls[at] as string }, pair)
      }),
    )
    const stop = async (): Promise<void> => {
      await Promise.all(members.map((member) => member.stop()))
      peers?.close()
    }
    try {
      await Promise.all(members.map((member) => member.restart()))
      return { members, leader: () => leaderOf(members), stop }
    } catch (error) {
      await stop()
      throw error
    }
  })
}

const leaderOf = (members: readonly EtcdServer[]): Promise<EtcdServer> =>
  poll('one of the members leads', async () => {
    const leads = await Promise.all(members.map((member) => member.metric('etcd_server_is_leader').catch(() => 0)))
    const leading = members.filter((_, at) => leads[at] === 1)
    return leading.length === 1 && leading[0]
  })
