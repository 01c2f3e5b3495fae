import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { isNativeError } from 'node:util/types'
import type { CaseReport } from './report.ts'

/** Frames that say nothing: Node.js' own, and what runs the cases. Where a case itself stood is of interest. */
const PLUMBING = /\(?node:|\/conformance\/(?:time|plan|conduct)\.[jt]s|\/conformance\/command\//

/** Errors as text: what they say, and where they came up, as seen from the current folder. */
export function failureOf(errors: readonly unknown[]): NonNullable<CaseReport['failure']> {
  const text = (part: (error: unknown) => string): string => stripVTControlCharacters(errors.map(part).join('\n\n'))
  return { message: text(messageOf), stack: text(stackOf) }
}

/** What an error says, and those behind it. */
export function messageOf(error: unknown): string {
  if (!isNativeError(error)) return String(error)
  const { message, cause } = error
  const own = message === '' ? error.name : message
  return cause === undefined || own.includes(messageOf(cause)) ? own : `${own}: ${messageOf(cause)}`
}

/** The frames only: the message stands elsewhere. */
function stackOf(error: unknown): string {
  if (!isNativeError(error)) return ''
  const lines = (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line) && !PLUMBING.test(line))
  const frames = lines.map((line) => line.trim().replace(/file:\/\/.*?(?=:\d+:\d+\)?$)/, fromHere)).join('\n')
  const cause = stackOf(error.cause)
  return [frames, cause].filter((part) => part !== '').join('\ncaused by\n')
}

function fromHere(url: string): string {
  const path = fileURLToPath(url)
  const way = relative('', path)
  return way.length < path.length ? way : path
}
