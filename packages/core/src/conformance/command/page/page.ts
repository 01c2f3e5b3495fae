import type { Report } from '../../report.ts'
import { hashOf, script, style } from './assets.ts'
import { declarations } from './declarations.ts'
import { json } from './embed.ts'
import { header } from './header.ts'
import { html, raw } from './html.ts'
import { leftOut } from './left-out.ts'
import { themes } from './themes.ts'
import { headline } from './verdict.ts'

/**
 * A report as one file that needs nothing else. What it says it says without its script, too; that adds the filter and the
 * timelines. Names and messages come from strangers: they are text throughout, and no other script may run.
 */
export function page(report: Report): string {
  const code = script()
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${hashOf(code)}; base-uri 'none'`
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${report.target}: ${headline(report)}</title>
<style>
${raw(style())}</style>
</head>
<body>
${header(report)}
<main>
${themes(report)}
${leftOut(report)}
${declarations(report)}
</main>
<script type="application/json" id="report">${json(report)}</script>
<script>${raw(code)}</script>
</body>
</html>
`
  return text
}
