import { execFile } from 'node:child_process'
import { containerEngine } from './container-engine.ts'
import { imageOf, imageVariable, obtainImage } from './image.ts'
import type { ServerKind } from './server.ts'

/** The versions that are tested. A test names one of them by these two or three parts. */
export const versions: Readonly<Record<ServerKind, readonly string[]>> = {
  redis: ['7.0', '8.0'],
  valkey: ['8.1'],
  memcached: ['1.6.18', '1.6.38'],
  etcd: ['3.4', '3.5'],
}

/** How a version can be had here: in a container, as the program on the PATH, or not, and why. */
export type Source =
  | { readonly version: string; readonly image: string }
  | { readonly version: string; readonly binary: string }
  | { readonly version: string; readonly missing: string }

/** The program of a kind, how it is asked for its version, and the package of Debian and Ubuntu that has it. */
const programs: Readonly<Record<ServerKind, { name: string; flag: string; debian: string }>> = {
  redis: { name: 'redis-server', flag: '--version', debian: 'redis-server' },
  valkey: { name: 'valkey-server', flag: '--version', debian: 'valkey-server' },
  memcached: { name: 'memcached', flag: '-V', debian: 'memcached' },
  etcd: { name: 'etcd', flag: '--version', debian: 'etcd-server' },
}

function binaryVersion(kind: ServerKind): Promise<string | undefined> {
  const { name, flag } = programs[kind]
  return new Promise((resolve) => {
    execFile(name, [flag], { timeout: 5_000 }, (error, output) => {
      resolve(error ? undefined : /\d+\.\d+\.\d+/.exec(output)?.[0])
    })
  })
}

function isOf(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`)
}

/** How `version` of a kind can be had: a container is preferred to the program on the PATH. */
export async function sourceOf(kind: ServerKind, version: string): Promise<Source> {
  const [engine, binary] = await Promise.all([containerEngine(), binaryVersion(kind)])
  const image = imageOf(kind, version)
  const trouble = engine && (await obtainImage(engine, image))
  if (engine !== undefined && trouble === undefined) return { version, image }
  if (binary !== undefined && isOf(binary, version)) return { version, binary }

  const { name, debian } = programs[kind]
  const program = binary === undefined ? `no ${name} on the PATH` : `${name} on the PATH is ${binary}`
  if (engine !== undefined) {
    const variable = imageVariable(kind, version)
    const missing = `the image ${image} cannot be had (${trouble}); set ${variable} to one that can; ${program}`
    return { version, missing }
  }
  return { version, missing: `no Docker engine is reachable, and ${program}; install Docker, or the package ${debian}` }
}

/** All versions of the matrix; and that of the program on the PATH, if nothing else of its kind can be had. */
export async function sourcesOf(kind: ServerKind): Promise<readonly Source[]> {
  const sources = await Promise.all(versions[kind].map((version) => sourceOf(kind, version)))
  if (sources.some((source) => !('missing' in source))) return sources
  const binary = await binaryVersion(kind)
  return binary === undefined ? sources : [{ version: binary, binary }, ...sources]
}

const told = new Set<ServerKind>()

/**
 * The versions of a kind that can be had here, for a suite to run on each of them. With a Docker engine: those whose
 * image is here or could be pulled just now. Without: the one on the PATH. Tells on the console, once, which versions
 * are left out and why. Empty if there is none.
 */
export async function available(kind: ServerKind): Promise<readonly string[]> {
  const sources = await sourcesOf(kind)
  if (!told.has(kind)) {
    told.add(kind)
    for (const line of leftOut(kind, sources)) console.log(line)
  }
  return sources.flatMap((source) => ('missing' in source ? [] : [source.version]))
}

/** One line for each reason: `redis 8.0 not run: no Docker engine is reachable, …`. */
function leftOut(kind: ServerKind, sources: readonly Source[]): readonly string[] {
  const byReason = new Map<string, string[]>()
  for (const source of sources) {
    if (!('missing' in source)) continue
    byReason.set(source.missing, [...(byReason.get(source.missing) ?? []), source.version])
  }
  return [...byReason].map(([reason, left]) => `${kind} ${left.join(', ')} not run: ${reason}`)
}
