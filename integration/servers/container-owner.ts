import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { ContainerRuntimeClient } from 'testcontainers'

const machineLabel = 'locks.test.machine'
const processLabel = 'locks.test.process'

/** Where process ids mean the same as here: an engine may serve several containers and their processes. */
function machine(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** Says of a container whose it is. */
export function ownerLabels(): Record<string, string> {
  return { [machineLabel]: machine(), [processLabel]: String(process.pid) }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes the containers of processes that ended without stopping theirs. */
export async function removeOrphans(engine: ContainerRuntimeClient): Promise<void> {
  const { dockerode } = engine.container
  const filters = { label: [`${machineLabel}=${machine()}`] }
  const listing: ReturnType<typeof engine.container.list> = dockerode.listContainers({ all: true, filters })
  const ours = await listing
  const orphans = ours.filter(({ Labels }) => !lives(Number(Labels[processLabel])))
  // Another run may be removing the same.
  await Promise.allSettled(orphans.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true })))
}
