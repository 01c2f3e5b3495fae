import { request } from 'node:http'
import { type ContainerRuntimeClient, getContainerRuntimeClient } from 'testcontainers'

/** Whether something at DOCKER_HOST speaks the engine's protocol. */
function answers(dockerHost: string): Promise<boolean> {
  const { hostname, port, pathname } = new URL(dockerHost)
  const target = hostname === '' ? { socketPath: pathname } : { host: hostname, port: Number(port) }
  return new Promise((resolve) => {
    request({ ...target, path: '/_ping', timeout: 5_000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
      .once('timeout', () => resolve(false))
      .once('error', () => resolve(false))
      .end()
  })
}

async function find(): Promise<ContainerRuntimeClient | undefined> {
  const { DOCKER_HOST, DOCKER_TLS_VERIFY } = process.env
  // Testcontainers would go on to the default socket: another engine than the one that was asked for.
  if (DOCKER_HOST !== undefined && DOCKER_TLS_VERIFY !== '1' && !(await answers(DOCKER_HOST))) return undefined
  const client = await getContainerRuntimeClient().catch(() => undefined)
  // Ports are mapped to the loopback of the engine's machine, which has to be this one.
  const host = client?.info.containerRuntime.host
  return host === 'localhost' || host === '127.0.0.1' ? client : undefined
}

let found: Promise<ContainerRuntimeClient | undefined> | undefined

/** The Docker engine of this machine, as Testcontainers finds it; undefined if none is reachable. */
export function containerEngine(): Promise<ContainerRuntimeClient | undefined> {
  found ??= find()
  return found
}
