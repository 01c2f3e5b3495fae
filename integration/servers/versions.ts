import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { containerEngine } from './container-engine.ts'
import { imageOf, imageVariable, obtainImage } from './image.ts'
import { kubeProgram } from './kube-programs.ts'
import type { TestedKind } from './server.ts'

/** The versions that are tested. A test names one of them by these two or three parts. */
export const versions: Readonly<Record<TestedKind, readonly string[]>> = {
  redis: ['7.0', '8.0'],
  valkey: ['8.1'],
  memcached: ['1.6.18', '1.6.38'],
  etcd: ['3.4', '3.5'],
  k8s: ['1.20'],
}

/** How a version can be had here: in a container, as the program that is installed, or not at all. */
export type Source = { readonly kind: TestedKind; readonly version: string } & (
  | { readonly image: string }
  | { readonly binary: string }
  | { readonly missing: string; readonly help: string }
)

interface Program {
  readonly name: string
  /** How it is asked for its version. */
  readonly flag: string
  /** Where it is to be had. */
  readonly from: string
  /** Its path, if it is not on the PATH alone; throws if it is nowhere. */
  readonly find?: () => string
}

const programs: Readonly<Record<TestedKind, Program>> = {
  redis: { name: 'redis-server', flag: '--version', from: "Debian's package redis-server" },
  valkey: { name: 'valkey-server', flag: '--version', from: "Debian's package valkey-server" },
  memcached: { name: 'memcached', flag: '-V', from: "Debian's package memcached" },
  etcd: { name: 'etcd', flag: '--version', from: "Debian's package etcd-server" },
  k8s: {
    ...{ name: 'kube-apiserver', flag: '--version', from: 'node scripts/kubernetes.mjs builds it' },
    find: () => kubeProgram('kube-apiserver'),
  },
}

async function binaryVersion(kind: TestedKind): Promise<string | undefined> {
  const { name, flag, find = () => name } = programs[kind]
  try {
    const { stdout } = await promisify(execFile)(find(), [flag], { timeout: 5_000 })
    return /\d+\.\d+\.\d+/.exec(stdout)?.[0]
  } catch {
    return undefined
  }
}

/** How `version` of a kind can be had: a container is preferred to the program on the PATH. */
export async function sourceOf(kind: TestedKind, version: string): Promise<Source> {
  const [engine, binary] = await Promise.all([containerEngine(), binaryVersion(kind)])
  const image = imageOf(kind, version)
  const trouble = engine && image && (await obtainImage(engine, image))
  if (engine !== undefined && image !== undefined && trouble === undefined) return { kind, version, image }
  if (binary !== undefined && `${binary}.`.startsWith(`${version}.`)) return { kind, version, binary }

  const { name, from } = programs[kind]
  const program = binary === undefined ? `there is no ${name} on the PATH` : `the ${name} on the PATH is ${binary}`
  if (engine === undefined) {
    const help = `${program}: install Docker, or this version of ${name} (${from})`
    return { kind, version, missing: 'no Docker engine is reachable', help }
  }
  const variable = imageVariable(kind, version)
  const help = `${program}: set ${variable} to an image that can be had`
  if (image === undefined)
    return { kind, version, missing: `${kind} has no default image and ${variable} is not set`, help }
  return { kind, version, missing: `the image ${image} cannot be had (${trouble})`, help }
}

/** All versions of the matrix; and that of the program on the PATH, if nothing else of its kind can be had. */
export async function sourcesOf(kind: TestedKind): Promise<readonly Source[]> {
  const sources = await Promise.all(versions[kind].map((version) => sourceOf(kind, version)))
  if (sources.some((source) => !('missing' in source))) return sources
  const binary = await binaryVersion(kind)
  return binary === undefined ? sources : [{ kind, version: binary, binary }, ...sources]
}

/** A line for each reason why versions are missing: `not run, as no Docker engine is reachable: redis 8.0, …`. */
export function leftOut(sources: readonly Source[]): readonly string[] {
  const left = new Map<string, string[]>()
  for (const source of sources) {
    if (!('missing' in source)) continue
    left.set(source.missing, [...(left.get(source.missing) ?? []), `${source.kind} ${source.version}`])
  }
  return [...left].map(([reason, names]) => `not run, as ${reason}: ${names.join(', ')}`)
}

const told = new Set<TestedKind>()

/**
 * The versions of a kind that can be had here, for a suite to run on each of them. With a Docker engine: those whose
 * image is here or could be pulled just now. Without: the one on the PATH. Tells on the console, once, which versions
 * are left out and why. Empty if there is none.
 */
export async function available(kind: TestedKind): Promise<readonly string[]> {
  const sources = await sourcesOf(kind)
  if (!told.has(kind)) {
    told.add(kind)
    for (const line of leftOut(sources)) console.log(line)
  }
  return sources.flatMap((source) => ('missing' in source ? [] : [source.version]))
}
