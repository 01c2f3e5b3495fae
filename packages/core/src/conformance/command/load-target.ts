import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { isNativeError } from 'node:util/types'
import { messageOf } from '../failure.ts'
import type { ConformanceTarget } from '../target.ts'
import { checkTarget } from './check-target.ts'
import { Refusal } from './refusal.ts'
import { listed } from './text.ts'

const EXAMPLE = "export const target = { name: 'mine', capabilities, connect: () => myBackend() }"

/** The target that a module exports, which knows its module from then on. */
export async function loadTarget(file: string): Promise<ConformanceTarget> {
  const path = resolve(file)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new Refusal(`${file}: no such file`)
  if (!found.isFile()) throw new Refusal(`${file} is no file; name the module that exports the target`)
  const module = pathToFileURL(path).href
  const exported = await load(file, module)
  if (!Object.hasOwn(exported, 'target')) {
    const names = Object.keys(exported)
    const instead = names.length === 0 ? 'nothing at all' : `only ${listed(names)}`
    throw new Refusal(`${file} exports no "target", ${instead}. What it needs:\n  ${EXAMPLE}`)
  }
  try {
    return withModule(checkTarget(exported.target), module)
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(`${file}: ${error.message.replaceAll('\n', `\n${file}: `)}`) : error
  }
}

async function load(file: string, module: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(module)) as Record<string, unknown>
  } catch (error) {
    const where = error instanceof SyntaxError ? syntaxPlace(error, file) : placeOf(error)
    const kind = isNativeError(error) && error.name !== 'Error' ? `${error.name}: ` : ''
    throw new Refusal(stripVTControlCharacters(`${file} can't be loaded: ${kind}${messageOf(error)}${where}`))
  }
}

/** The innermost place in somebody's own code. */
function placeOf(error: unknown): string {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : []
  const place = frames.map((frame) => /file:\/\/[^)]*/.exec(frame)?.[0] ?? '').find((url) => url !== '')
  if (place === undefined) return ''
  const [, url = place, position = ''] = /^(.*?)((?::\d+)*)$/.exec(place) ?? []
  return `\n  at ${fileURLToPath(url)}${position}`
}

/** Node.js puts the place before the message, or nowhere. */
function syntaxPlace({ stack = '' }: SyntaxError, file: string): string {
  const place = /^(?:file:\/\/)?(\/.*:\d+)\n(.*)\n/.exec(stack)
  return place === null ? `. Where: node --check ${file}` : `\n  at ${place[1]}: ${place[2]?.trim()}`
}

/** Passed on call by call, since a target may be an instance of a class with private state. */
function withModule(target: ConformanceTarget, module: string): ConformanceTarget {
  const { name, capabilities, ttl, latency, faults } = target
  return {
    name,
    capabilities,
    ttl,
    latency,
    faults,
    module: target.module ?? module,
    connect: () => target.connect(),
    close: () => target.close?.(),
  }
}
