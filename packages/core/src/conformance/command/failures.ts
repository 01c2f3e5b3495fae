import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CaseReport, Report } from '../report.ts'
import type { Sink } from './sink.ts'
import { indented } from './text.ts'

const MOST_LINES = 24
const MOST_FRAMES = 4
/** What runs the cases; the cases themselves are of interest. */
const OURS = /\/conformance\/(?:time|plan|conduct)\.[jt]s/

/** Each failed case in full: what was required, what was seen instead, and where. */
export const failuresOf = (report: Report, { paint }: Sink): string =>
  report.cases
    .flatMap(({ theme, title, failure }) => {
      if (failure === undefined) return []
      const name = `${paint('red', '✗')} ${paint('bold', `${theme}: ${title}`)}`
      return [`\n  ${name}\n${indented(seen(failure), '    ')}\n${paint('dim', indented(where(failure), '      '))}\n`]
    })
    .join('')

function seen({ message }: NonNullable<CaseReport['failure']>): string {
  const lines = message.trim().split('\n')
  if (lines.length <= MOST_LINES) return lines.join('\n')
  return [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more lines: --json or --html has them`].join(
    '\n',
  )
}

/** The innermost frames that somebody wrote, with paths as seen from here. */
function where({ stack }: NonNullable<CaseReport['failure']>): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line) && !OURS.test(line) && !line.includes('node:'))
  return frames
    .slice(0, MOST_FRAMES)
    .map((frame) => frame.trim().replace(/file:\/\/.*?(?=:\d+:\d+\)?$)/, (url) => fromHere(fileURLToPath(url))))
    .join('\n')
}

function fromHere(path: string): string {
  const way = relative('', path)
  return way.length < path.length ? way : path
}
