import type { CaseReport, Report } from '../report.ts'
import type { Sink } from './sink.ts'
import { indented } from './text.ts'

const MOST_LINES = 24
const MOST_FRAMES = 4

/** Each failed case in full: what was required, what was seen instead, and where. */
export const failuresOf = (report: Report, { paint }: Sink): string =>
  report.cases
    .flatMap(({ theme, title, failure }) => {
      if (failure === undefined) return []
      const name = `${paint('red', '✗')} ${paint('bold', `${theme}: ${title}`)}`
      const place = failure.stack === '' ? '' : `${paint('dim', indented(where(failure), '      '))}\n`
      return [`\n  ${name}\n${indented(seen(failure), '    ')}\n${place}`]
    })
    .join('')

function seen({ message }: NonNullable<CaseReport['failure']>): string {
  const lines = message.trim().split('\n')
  if (lines.length <= MOST_LINES) return lines.join('\n')
  return [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more lines: --json or --html has them`].join(
    '\n',
  )
}

/** The innermost frames. */
const where = ({ stack }: NonNullable<CaseReport['failure']>): string =>
  stack.split('\n').slice(0, MOST_FRAMES).join('\n')
