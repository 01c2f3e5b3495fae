import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

export type KubeProgram = 'kube-apiserver' | 'kube-scheduler'

/** Where `npm test` puts what it builds: scripts/kubernetes.mjs has the same. */
const cache = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'locks-test', 'kubernetes-1.20.2')

/** The path of a program: on the PATH, else built by the tests' setup. Throws, in one line, where it is missing. */
export function kubeProgram(name: KubeProgram): string {
  const built = cache()
  const path = [...(process.env.PATH ?? '').split(delimiter), built].map((folder) => join(folder, name)).find(canRun)
  if (path !== undefined) return path
  throw new Error(
    `${name} is neither on the PATH nor in ${built}: put it on the PATH, or have it built (node scripts/kubernetes.mjs)`,
  )
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
