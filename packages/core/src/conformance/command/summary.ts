import type { Report } from '../report.ts'
import { declared } from './declared.ts'
import { failuresOf } from './failures.ts'
import { offersOf } from './left-out.ts'
import type { Sink } from './sink.ts'
import { count, duration, listed, quoted, wrapped } from './text.ts'

const WIDEST = 100
const NARROWEST = 30
const MARGIN = '  '

interface Asked {
  readonly file: string
  readonly html: string | undefined
}

/** All there is to say at the end: failures, what the backend declares, what was left out, the verdict, how to repeat it. */
export function summary(report: Report, { file, html }: Asked, sink: Sink): string {
  const page = html === undefined ? '' : `\n${sink.paint('dim', `${MARGIN}page: ${html}`)}`
  const end = `${verdict(report, sink)}\n${again(report, file, sink)}${page}\n`
  const sections = [declarations(report, sink), leftOut(report, sink), repeated(report), end]
  return `${failuresOf(report, sink)}\n${sections.filter((section) => section !== '').join('\n')}`
}

export function verdict({ passed, failed, leftOut, notRun, took }: Report, { paint }: Pick<Sink, 'paint'>): string {
  const interrupted = notRun.length > 0
  const parts = [
    ...(failed > 0 ? [paint(['red', 'bold'], `${failed} failed`)] : []),
    paint(failed > 0 || interrupted ? 'plain' : ['green', 'bold'], `${passed} passed`),
    ...(interrupted ? [paint('yellow', `${notRun.length} not run`)] : []),
    ...(leftOut.length > 0 ? [`${leftOut.length} left out`] : []),
  ]
  const mark = failed > 0 ? paint('red', '✗') : interrupted ? paint('yellow', '!') : paint('green', '✓')
  const [first] = notRun
  const stopped =
    first === undefined ? '' : `\n${MARGIN}${paint('dim', `interrupted at: ${first.theme}: ${first.title}`)}`
  return `${MARGIN}${mark} ${parts.join(', ')}${paint('dim', `  in ${duration(took)}`)}${stopped}`
}

function declarations({ target, capabilities }: Report, { paint, columns }: Sink): string {
  const facts = declared(capabilities)
  const width = Math.max(...facts.map(([title]) => title.length)) + 2
  const room = Math.max(NARROWEST, Math.min(columns, WIDEST) - MARGIN.length - width)
  const lines = facts.map(([title, text]) => {
    const [first = '', ...rest] = wrapped(text, room)
    const hanging = rest.map((line) => `\n${MARGIN}${' '.repeat(width)}${line}`).join('')
    return `${MARGIN}${paint('dim', title.padEnd(width))}${first}${hanging}\n`
  })
  return `${MARGIN}${paint('bold', `What ${target} declares`)}\n${lines.join('')}`
}

function leftOut({ leftOut: cases }: Report, { paint }: Sink): string {
  if (cases.length === 0) return ''
  const offers = offersOf(cases)
  const width = Math.max(...offers.map((offer) => count(offer.cases.length, 'case').length))
  const lines = offers.map((offer) => {
    const verb = offer.cases.length === 1 ? 'needs' : 'need'
    return `${MARGIN}${count(offer.cases.length, 'case').padStart(width)} ${verb} ${listed(offer.needs)}\n`
  })
  const title = `Left out: ${count(cases.length, 'case')} that can be checked if the target offers more`
  return `${MARGIN}${paint('bold', title)}\n${lines.join('')}`
}

function repeated({ cases }: Report): string {
  const few = cases.filter(({ standstills }) => standstills !== undefined).length
  return few === 0 ? '' : `${MARGIN}Run again, as the machine had stood still meanwhile: ${count(few, 'case')}\n`
}

/** The command that repeats the run; where cases failed, only those. */
function again({ seed, only, cases }: Report, file: string, { paint }: Sink): string {
  const failed = cases.filter(({ outcome }) => outcome === 'failed').map(({ theme, title }) => `${theme}: ${title}`)
  const few = failed.length > 0 && failed.length <= 3 ? failed : only
  const flags = few.map((text) => ` --only ${quoted(text)}`).join('')
  const what = failed.length > 0 && few === failed ? 'these again' : 'again'
  return paint('dim', `${MARGIN}${what}: locks-conformance ${quoted(file)} --seed ${seed}${flags}\n`).trimEnd()
}
