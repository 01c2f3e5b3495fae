import { constants, promises as files, type StatsFs } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Finding } from '@locks/core'
import { codeOf } from './disk.ts'
import { failure } from './failure.ts'
import { FUSE, NETWORK, OVERLAY, SINGLE_KERNEL } from './file-systems.ts'
import { thisHost } from './host.ts'
import { randomHex } from './pointer.ts'

/** Folders whose old files are deleted, by a cleaner or at a reboot. */
const CLEANED = ['/tmp', '/var/tmp', '/private/tmp', '/private/var/tmp', '/private/var/folders']
/** A lock takes about 4 KiB and two inodes: below these, a full disk is near. */
const SCARCE_BYTES = 16 * 1_048_576
const SCARCE_INODES = 1_000
const LONGEST_NAME = 255

const ok = (subject: string, message: string): Finding => ({ severity: 'ok', subject, message })
const risk = (subject: string, message: string): Finding => ({ severity: 'risk', subject, message })
const unknown = (subject: string, message: string): Finding => ({ severity: 'unknown', subject, message })

/** One line each on what the locks of a directory rest on. What is missing is judged by the folder that it would be in. */
export async function examineDirectory(path: string, networkFileSystem: boolean): Promise<readonly Finding[]> {
  if (process.platform === 'win32') return [risk('system', 'file locks need a POSIX system: Windows is not supported')]
  try {
    const existing = await nearest(path)
    const { type, ...room } = await files.statfs(existing)
    const kind = type >>> 0
    const isThere = existing === path
    const fault = await faultOf(path, existing, isThere)
    const directory = isThere
      ? 'belongs to this user, and nobody else writes to it'
      : 'not there yet, made on first use'
    return [
      fault === undefined ? ok('directory', directory) : risk('directory', fault),
      ...(isThere && fault === undefined ? await tryRename(path) : []),
      fileSystem(kind, networkFileSystem),
      space(room),
      await cleaner(existing),
      clock(networkFileSystem),
      processes(kind),
    ]
  } catch (error) {
    if (codeOf(error) === '') throw error
    return [risk('directory', failure(path, undefined, 'look at it', error).message)]
  }
}

/** The directory, or the first of those above it that is there. */
async function nearest(path: string): Promise<string> {
  try {
    await files.stat(path)
    return path
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return nearest(dirname(path))
  }
}

/** What keeps the directory from being used, or lets others take it away. */
async function faultOf(path: string, existing: string, isThere: boolean): Promise<string | undefined> {
  const stats = await files.stat(existing)
  const { uid, mode } = stats
  const user = process.getuid?.()
  if (!stats.isDirectory()) return `${existing} is not a directory; give another one`
  if (isThere && uid !== user) return `it belongs to user ${uid}, not to ${user}, and is refused; give one of your own`
  if (isThere && (mode & 0o022) !== 0)
    return `others can write to it (mode ${octal(mode)}), so it is refused; run: chmod go-w '${path}'`
  try {
    await files.access(existing, constants.W_OK | constants.X_OK)
  } catch (error) {
    return failure(path, undefined, isThere ? 'write to it' : 'make it', error).message
  }
  const open = await openAbove(await files.realpath(existing), isThere)
  if (open === undefined) return undefined
  return `others can move it away, since they can write to ${open}; run: chmod o-w '${open}', or keep it elsewhere`
}

const octal = (mode: number): string => (mode & 0o777).toString(8)

/** A folder on the way in which anybody may rename what is not theirs. */
async function openAbove(path: string, isThere: boolean): Promise<string | undefined> {
  for (let folder = isThere ? dirname(path) : path; ; folder = dirname(folder)) {
    const { mode } = await files.stat(folder)
    const sticky = (mode & 0o1000) !== 0
    if ((mode & 0o002) !== 0 && !sticky) return folder
    if (folder === dirname(folder)) return undefined
  }
}

/** In the nursery, which is cleared of what a crash may leave; it is there once the directory has been used. */
async function tryRename(path: string): Promise<readonly Finding[]> {
  const nest = join(path, '.new', `trial.${randomHex()}`)
  try {
    await files.mkdir(nest, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    return [risk('rename', failure(path, undefined, 'make a directory in it', error).message)]
  }
  try {
    const to = join(nest, 'x'.repeat(LONGEST_NAME))
    await files.writeFile(join(nest, 'from'), '')
    await files.rename(join(nest, 'from'), to)
    await files.stat(to)
    return [ok('rename', 'a file was renamed, to a name of 255 bytes')]
  } catch (error) {
    return [risk('rename', failure(path, undefined, 'rename a file in it', error).message)]
  } finally {
    await files.rm(nest, { recursive: true, force: true })
  }
}

function fileSystem(type: number, allowed: boolean): Finding {
  const subject = 'file system'
  if (process.platform !== 'linux') return unknown(subject, 'whether it is local can not be told on this system')
  const network = NETWORK.get(type)
  if (network !== undefined && allowed)
    return risk(subject, `${network}, as was allowed: all rests on its server doing each rename exactly once`)
  if (network !== undefined)
    return risk(subject, `${network} is refused, since other hosts could share the locks; give a local directory`)
  if (!SINGLE_KERNEL.has(type)) {
    const name = type === FUSE ? 'FUSE' : `of the type 0x${type.toString(16)}`
    return unknown(subject, `${name}: whether it is local can not be told; if it is not, take a backend with a server`)
  }
  if (!allowed) return ok(subject, 'local')
  return ok(subject, 'local: without networkFileSystem, the lock of a process that died would be free at once')
}

function space({ bsize, bavail, blocks, files: inodes, ffree }: Omit<StatsFs, 'type'>): Finding {
  const free = bsize * bavail
  const counted = inodes > 0
  const left = `${Math.floor(free / 1_048_576)} MB${counted ? ` and ${ffree} inodes` : ''} free`
  if ((blocks === 0 || free >= SCARCE_BYTES) && (!counted || ffree >= SCARCE_INODES)) return ok('space', left)
  return risk('space', `${left}: on a full disk new locks fail (those held go on); make room`)
}

async function cleaner(existing: string): Promise<Finding> {
  const path = await files.realpath(existing)
  const cleaned = CLEANED.find((folder) => path === folder || path.startsWith(`${folder}/`))
  if (cleaned === undefined) return ok('cleaner', 'not among temporary files')
  return risk('cleaner', `${cleaned} is cleaned of old files, and who removes the directory ends all holds; move it`)
}

function clock(networkFileSystem: boolean): Finding {
  if (networkFileSystem) return ok('clock', 'none is shared: a hold is over once it was seen unchanged for its ttl')
  if (thisHost() === null)
    return unknown('clock', 'this host can not be told from others: all is judged by observation')
  return ok('clock', 'the monotonic clock of the host, which nobody can set')
}

function processes(type: number): Finding {
  const host = thisHost()
  if (host === null || host.processes === host.clock || process.platform !== 'linux')
    return ok('processes', 'no container: the lock of a process that died is free at once')
  if (type === OVERLAY)
    return unknown('processes', "a container's own file system: locks reach no further than it; else mount a volume")
  const late = 'the lock of a process that died in another one is free after its ttl'
  return unknown('processes', `a container with process ids of its own: ${late}; share the pid namespace against that`)
}
