/**
 * What docs/conformance.md says of the kit, made from its cases and from the mutants that they catch:
 * `node integration/docs/kit.ts` shows it, `--write` puts it into the document.
 */
import type { ConformanceTarget } from '../../packages/core/src/conformance/index.ts'
import { plan } from '../../packages/core/src/conformance/plan.ts'
import { memoryBackend } from '../../packages/core/src/index.ts'
import { flaws } from '../../packages/core/test/mutants/flaws.ts'
import { type Made, row, showOrWrite } from './marks.ts'

/** By theme: what is required. */
const REQUIREMENTS: Readonly<Record<string, string>> = {
  exclusion: 'Nobody holds while another does.',
  'local deadline': 'A lease ends by its own clock before anybody else can hold, and says so.',
  renewal: 'A lease lasts for as long as its work does; a renewal never shortens and never revives.',
  ownership: 'Only who holds can release or renew.',
  'unknown outcome': 'A reply that is lost or late leaves nothing behind.',
  outage: 'A backend that does not answer reads as a failure, never as free, held or lost.',
  turmoil: 'All of it at once, at random.',
  abort: 'A wait ends when its caller says so, and leaves nothing behind.',
  using: 'The lock is released after the work, whatever became of it; the work’s own error wins.',
  fencing: 'Tokens rise from grant to grant, over expiry, breaking, pruning and restarts.',
  residue: 'Nothing stays open, stored or unheard.',
  fairness: 'Waiters are served in the order of their arrival, and the dead are skipped.',
  names: 'Any text is a name, and no two names are one lock.',
  capabilities: 'What is declared is true.',
  expiry: 'Who does not renew is replaced, not before its time and not long after.',
  shared: 'Readers together, writers alone, and neither starves the other.',
  semaphore: 'As many hold as there are permits.',
  inspection: 'What is shown is true, and contains no secret.',
  'hand-over': 'A lease goes on in other hands without a gap.',
  election: 'One leads at a time, and gives way at its end; who is left over is elected next.',
  processes: 'The same between processes, while some are stopped and killed.',
}

/** Declares and offers all there is. */
const everything: ConformanceTarget = {
  name: 'everything',
  module: import.meta.url,
  capabilities: memoryBackend().capabilities,
  connect: memoryBackend,
  faults: Object.fromEntries(
    ['pause', 'loseReplies', 'delayRequests', 'isolate', 'resume', 'disconnect', 'restart'].map((name) => [
      name,
      () => undefined,
    ]),
  ),
}

function themes(): string {
  const counts = new Map<string, number>()
  for (const { theme } of plan(everything).cases) counts.set(theme, (counts.get(theme) ?? 0) + 1)
  const rows = [...counts].map(([theme, cases]) => {
    const requirement = REQUIREMENTS[theme]
    if (requirement === undefined) throw new Error(`integration/docs/kit.ts has nothing to say on the theme ${theme}`)
    const file = `../packages/core/src/conformance/cases/${theme.replaceAll(' ', '-')}.ts`
    return row([`[${theme}](${file})`, String(cases), requirement])
  })
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return [
    `For a backend that declares everything, and a target that offers everything, there are ${all} cases:`,
    '',
    row(['theme', 'cases', 'what is required']),
    row(['---', '---', '---']),
    ...rows,
  ].join('\n')
}

function mutants(): string {
  const cases = new Set(flaws.map(({ caughtBy }) => caughtBy)).size
  return [
    `<details><summary>${flaws.length} flaws, and which of ${cases} cases catches each</summary>`,
    '',
    row(['flaw', 'caught by']),
    row(['---', '---']),
    ...flaws.map(({ flaw, caughtBy }) => row([flaw, caughtBy])),
    '',
    '</details>',
  ].join('\n')
}

const document = 'docs/conformance.md'

export const PARTS: readonly Made[] = [
  { document, name: 'themes', make: themes },
  { document, name: 'mutants', make: mutants },
]

if (import.meta.main) showOrWrite(PARTS)
