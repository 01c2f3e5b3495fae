import type { Report } from '../../report.ts'
import { offersOf } from '../left-out.ts'
import { count, listed } from '../text.ts'
import { html, type Markup } from './html.ts'
import { nameOf } from './verdict.ts'

/** What would be checked if the target offered more, by what that is. */
export function leftOut({ leftOut: cases }: Report): Markup {
  if (cases.length === 0) return html``
  const offers = offersOf(cases).map(
    ({ needs, cases: those }) => html`<details>
<summary>${listed(needs)} <small>${count(those.length, 'case')}</small></summary>
<ul class="plain">${those.map((one) => html`<li>${nameOf(one)}</li>`)}</ul>
</details>
`,
  )
  return html`<section id="left-out" class="left-out">
<h2>Left out <small>${cases.length}</small></h2>
<p>Checked as soon as the target offers what they need:</p>
${offers}
</section>`
}
