import type { Report } from '../../report.ts'
import { duration, quoted } from '../text.ts'
import { type Content, html, type Markup } from './html.ts'
import { headline, idOf, nameOf, verdictOf } from './verdict.ts'

/** What was checked, what came of it, and every case as one stroke. */
export function header(report: Report): Markup {
  const { target, took, seed, only, startedAt, platform, leftOut } = report
  const when = `${startedAt.slice(0, 10)} ${startedAt.slice(11, 16)} UTC`
  const facts: readonly (readonly [string, Content])[] = [
    ['when', html`<time datetime="${startedAt}">${when}</time>`],
    ['took', duration(took)],
    ['seed', html`<code>${seed}</code>`],
    ['on', platform],
    ...(only.length === 0 ? [] : [['only', only.map(quoted).join(', ')] as const]),
    ...(leftOut.length === 0 ? [] : [['left out', html`<a href="#left-out">${leftOut.length} cases</a>`] as const]),
  ]
  return html`<header class="${verdictOf(report)}">
<p class="eyebrow">Conformance of a lock backend</p>
<h1>${target}</h1>
<p class="verdict">${headline(report)}</p>
${skyline(report)}
<dl class="facts">${facts.map(([title, text]) => html`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>
</header>`
}

/** A stroke per case, as high as it took long (by the root, so that the short ones are seen), in the order of the run. */
function skyline({ cases }: Report): Markup {
  const longest = Math.max(1, ...cases.map(({ took }) => took))
  const strokes = cases.map((one, index) => {
    const height = 12 + 88 * Math.sqrt(one.took / longest)
    const first = index > 0 && cases[index - 1]?.theme !== one.theme
    const title = `${nameOf(one)} (${one.outcome}, ${duration(one.took)})`
    return html`<a href="#${idOf(index)}" class="${one.outcome}${first ? ' first' : ''}" tabindex="-1" title="${title}"><i
 style="height:${height.toFixed(1)}%"></i></a>`
  })
  return html`<div class="skyline" aria-hidden="true">${strokes}</div>`
}
