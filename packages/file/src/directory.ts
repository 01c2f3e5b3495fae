import fs from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { LockBackendError } from '@locks/core'
import { codeOf, makeDirectory } from './disk.ts'
import { NETWORK, SINGLE_KERNEL } from './file-systems.ts'

/**
 * `~/.local/state/locks` in the home directory of the account: the same for a login, a service and a cron job of one
 * user, whatever their environment says. Throws LockBackendError for an account without a home.
 */
export function defaultDirectory(): string {
  let home: string
  let cause: unknown
  try {
    home = userInfo().homedir
  } catch (error) {
    home = ''
    cause = error
  }
  if (isAbsolute(home)) return join(home, '.local', 'state', 'locks')
  throw new LockBackendError(
    "this account has no home directory to keep locks in: give one, as in fileBackend('/srv/app/locks')",
    { cause },
  )
}

const statPath = (path: string): Promise<fs.Stats | null> =>
  new Promise((resolve, reject) => {
    fs.stat(path, (error, stats) => {
      if (error === null) resolve(stats)
      else if (error.code === 'ENOENT') resolve(null)
      else reject(error)
    })
  })

const fileSystemType = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.statfs(path, (error, { type } = { type: 0 } as fs.StatsFs) => (error === null ? resolve(type) : reject(error)))
  })

/** By hand, because `recursive: true` reports ENOENT for a file system that is read-only. */
async function makePath(path: string): Promise<void> {
  if (await makeIfMissing(path)) return
  await makePath(dirname(path))
  if (!(await makeIfMissing(path))) throw new LockBackendError(`the directory ${path} vanishes again and again`)
}

/** False if the folder that it should be in is missing. */
async function makeIfMissing(path: string): Promise<boolean> {
  if ((await statPath(path)) !== null) return true
  try {
    return await makeDirectory(path)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return true
    throw error
  }
}

/** The directory of a store: made on first use, and looked at once whether locks in it can be trusted. */
export class StoreDirectory {
  readonly path: string
  /** Where new lock directories are filled before they are put in place. */
  readonly nursery: string
  /** Has one file, named by the highest fencing token of all locks removed so far. */
  readonly floor: string
  readonly #network: boolean
  #trusted = false
  #singleKernel = false

  constructor(path: string, network: boolean) {
    this.path = path
    this.nursery = join(path, '.new')
    this.floor = join(path, '.floor')
    this.#network = network
  }

  get trusted(): boolean {
    return this.#trusted
  }

  /** Whether no other kernel can have it mounted: then whoever wrote to it before the last boot is gone. */
  get singleKernel(): boolean {
    return this.#singleKernel
  }

  /** Looks at the directory if it is there; one that is missing has no locks, and is no failure. */
  async check(): Promise<void> {
    if (process.platform === 'win32')
      throw new LockBackendError('file locks need a POSIX system: Windows is not supported')
    const stats = await statPath(this.path)
    if (stats === null) return
    this.#checkOwner(stats)
    if (!this.#network) await this.#checkLocal()
    this.#trusted = true
  }

  /** Makes the directory and what belongs into it, as far as it is missing. */
  async prepare(): Promise<void> {
    this.#trusted = false
    await makePath(this.path)
    await this.check()
    await Promise.all([makeIfMissing(this.nursery), makeIfMissing(this.floor)])
  }

  #checkOwner(stats: fs.Stats): void {
    const refuse = (reason: string): never => {
      throw new LockBackendError(`the directory ${this.path} cannot keep locks: ${reason}`)
    }
    if (!stats.isDirectory()) refuse('it is not a directory')
    const user = process.getuid?.()
    if (user !== undefined && stats.uid !== user)
      refuse(`it belongs to user ${stats.uid}, and this process runs as user ${user}. Give a directory of your own`)
    if ((stats.mode & 0o022) !== 0)
      refuse(`others can write to it (mode ${(stats.mode & 0o777).toString(8)}). Run: chmod go-w '${this.path}'`)
  }

  async #checkLocal(): Promise<void> {
    const type = (await fileSystemType(this.path)) >>> 0
    this.#singleKernel = process.platform === 'linux' && SINGLE_KERNEL.has(type)
    const network = NETWORK.get(type)
    if (network === undefined) return
    throw new LockBackendError(
      `the directory ${this.path} is on a network file system (${network}), where other hosts could share the locks: give a local directory, or { networkFileSystem: true } after reading what is promised there`,
    )
  }
}
