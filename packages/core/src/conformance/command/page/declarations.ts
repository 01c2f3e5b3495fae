import type { Report } from '../../report.ts'
import { declared } from '../declared.ts'
import { html, type Markup } from './html.ts'

/** Capabilities and guarantee: what the cases hold the backend to. */
export const declarations = ({ capabilities }: Report): Markup => html`<section class="declared">
<h2>Declared</h2>
<table><tbody>
${declared(capabilities).map(([title, text]) => html`<tr><th scope="row">${title}</th><td>${text}</td></tr>\n`)}</tbody></table>
${capabilities.guarantee.caveat === '' ? '' : html`<p class="caveat">${capabilities.guarantee.caveat}</p>`}
</section>`
