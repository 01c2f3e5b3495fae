import type { CaseReport, Report } from '../../report.ts'
import { duration } from '../text.ts'
import { html, type Markup } from './html.ts'
import { strip } from './strip.ts'
import { idOf, nameOf } from './verdict.ts'

interface Indexed {
  readonly report: CaseReport
  readonly index: number
}

const SHOWN = [
  ['all', 'all'],
  ['failed', 'failed'],
  ['drawn', 'with a timeline'],
] as const

/** The cases, theme by theme. Those that failed stand open. */
export function themes({ cases, notRun }: Report): Markup {
  const indexed = cases.map((report, index) => ({ report, index }))
  const groups = Map.groupBy(indexed, ({ report }) => report.theme)
  return html`<search class="filter" hidden>
<fieldset><legend>Show</legend>
${SHOWN.map(
  ([value, text]) =>
    html`<label><input type="radio" name="show" value="${value}"${value === 'all' ? ' checked' : ''}>${text}</label>`,
)}
</fieldset>
<input type="search" placeholder="Filter by text" aria-label="Filter by text">
<output></output>
</search>
${[...groups].map(([name, group]) => theme(name, group))}
${notRun.length > 0 ? html`<section><h2>Not run</h2><ul class="plain">${notRun.map((one) => html`<li>${nameOf(one)}</li>`)}</ul></section>` : ''}`
}

function theme(name: string, cases: readonly Indexed[]): Markup {
  const passed = cases.filter(({ report }) => report.outcome === 'passed').length
  const took = cases.reduce((sum, { report }) => sum + report.took, 0)
  return html`<section class="theme">
<h2 data-name="${name}">${name} <small class="${passed < cases.length ? 'failed' : ''}">${passed}/${cases.length}</small><small class="time">${duration(took)}</small></h2>
${cases.map(oneCase)}
</section>
`
}

/** Without anything more to see it can't be opened. */
function oneCase({ report, index }: Indexed): Markup {
  const { outcome, title, took, timeline, failure } = report
  const line = html`<span class="mark" role="img" aria-label="${outcome}">${outcome === 'passed' ? '✓' : '✗'}</span>
<span class="title">${title}</span>${timeline === undefined ? '' : strip(timeline)}<span class="time">${duration(took)}</span>`
  const attributes = html`class="case ${outcome}" id="${idOf(index)}" data-index="${index}"`
  if (timeline === undefined && failure === undefined)
    return html`<div ${attributes}><div class="line">${line}</div></div>\n`
  return html`<details ${attributes}${outcome === 'failed' ? ' open' : ''}>
<summary class="line">${line}</summary>
<div class="more">${failure === undefined ? '' : failed(failure)}${timeline === undefined ? '' : html`<div class="timeline"></div>`}</div>
</details>
`
}

const failed = ({ message, stack }: NonNullable<CaseReport['failure']>): Markup =>
  html`<pre class="message">${message}</pre>${stack === '' ? '' : html`<pre class="stack">${stack}</pre>`}`
