import { createHash } from 'node:crypto'
import { Script } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { json } from '../src/conformance/command/page/embed.ts'
import { html, raw } from '../src/conformance/command/page/html.ts'
import { page } from '../src/conformance/command/page/page.ts'
import type { CaseReport, Report, Timeline } from '../src/conformance/report.ts'
import { NativeBackend } from './native-backend.ts'

// Said by Node.js of the sources only: the built page has nothing to strip.
vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)

const HOSTILE = `</script><script>alert(1)</script><!-- "' & \u2028 \u2029 <img src=x onerror=alert(1)>`

const timeline: Timeline = {
  permits: 1,
  length: 100,
  holdings: [
    { who: HOSTILE, mode: 'exclusive', fencingToken: '5', from: 10, until: 40, end: 'released' },
    { who: 'client 2', mode: 'shared', fencingToken: '6', from: 30, until: 60, end: 'lost' },
  ],
  troubles: [{ kind: HOSTILE, from: 20, until: 50 }],
  overlaps: [{ from: 30, until: 40, holdings: [0, 1] }],
}

const cases: readonly CaseReport[] = [
  { theme: 'alpha', title: 'plain', outcome: 'passed', took: 3 },
  { theme: 'alpha', title: 'drawn', outcome: 'passed', took: 100, timeline },
  {
    theme: HOSTILE,
    title: HOSTILE,
    outcome: 'failed',
    took: 5,
    failure: { message: HOSTILE, stack: HOSTILE },
    timeline,
  },
]

const report: Report = {
  version: 1,
  target: HOSTILE,
  seed: 5,
  only: [HOSTILE],
  startedAt: '2026-01-02T03:04:05.678Z',
  took: 108,
  platform: HOSTILE,
  capabilities: {
    ...NativeBackend.capabilities,
    guarantee: { ...NativeBackend.capabilities.guarantee, caveat: HOSTILE },
  },
  passed: 2,
  failed: 1,
  cases,
  notRun: [{ theme: 'beta', title: HOSTILE }],
  leftOut: [{ theme: 'gamma', title: HOSTILE, needs: [HOSTILE] }],
}

describe('html', () => {
  test('makes text of what is filled in, in elements and in quoted attributes', () => {
    const { text } = html`<a title="${`"'<&>`}">${'<b>'}${['&', raw('<i>'), 3]}${undefined}</a>`
    expect(text).toBe('<a title="&quot;&#39;&lt;&amp;&gt;">&lt;b&gt;&amp;<i>3</a>')
  })
})

describe('embedded JSON', () => {
  test('is the same data, and cannot end its element', () => {
    const { text } = json({ [HOSTILE]: HOSTILE })
    expect(JSON.parse(text)).toEqual({ [HOSTILE]: HOSTILE })
    expect(text).not.toMatch(/[<\u2028\u2029]/)
  })
})

describe('the page', () => {
  const text = page(report)
  const scripts = [...text.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)]

  test('holds the report, and one script of its own, which is the only one that may run', () => {
    expect(scripts.map(([, attributes]) => attributes)).toEqual([' type="application/json" id="report"', ''])
    expect(JSON.parse(scripts[0]?.[2] ?? '')).toEqual(JSON.parse(JSON.stringify(report)))
    const code = scripts[1]?.[2] ?? ''
    const hash = createHash('sha256').update(code).digest('base64')
    expect(text).toContain(`script-src &#39;sha256-${hash}&#39;`)
  })

  test('has a script that is one program: nothing imported, exported or typed is left', () => {
    const code = scripts[1]?.[2] ?? ''
    expect(() => new Script(code)).not.toThrow()
    expect(code).not.toMatch(/^\s*(?:import|export) /m)
  })

  test('lets no text of the report become markup', () => {
    const outside = text.replace(/<script[^>]*>.*?<\/script>/gs, '')
    expect(outside).not.toMatch(/<img|<!--|alert\(1\)<\/script>/)
    expect(outside).toContain(
      '<h1>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!-- &quot;&#39; &amp; \u2028 \u2029 &lt;img',
    )
  })

  test('needs nothing else', () => {
    expect(text).toContain('default-src &#39;none&#39;')
    expect(text).not.toMatch(/<link|@import|url\(|src="/)
  })

  test('says without its script what came of each case', () => {
    expect(text).toContain('1 of 3 cases failed')
    expect(text).toMatch(/<div class="case passed" id="case-1" /)
    expect(text).toMatch(/<details class="case passed" id="case-2" data-index="1">/)
    expect(text).toMatch(/<details class="case failed" id="case-3" data-index="2" open>/)
    expect(text).toContain('<pre class="message">')
    expect(text).toContain('<h2>Not run</h2>')
    expect(text).toContain('id="left-out"')
  })

  test('shows at a glance what was held and what overlapped', () => {
    const [strip = ''] = /<svg class="strip".*?<\/svg>/s.exec(text) ?? []
    expect(strip).toContain('<path class="held" d="M12 3H72V7H12Z"/>')
    expect(strip).toMatch(/class="overlap" d="M36 0H48V10H36Z"/)
    expect(strip).toContain('<path class="trouble" d="M24 0H60V10H24Z"/>')
  })

  test('has one stroke per case above all, which leads to it', () => {
    const [skyline = ''] = /<div class="skyline".*?<\/div>/s.exec(text) ?? []
    expect([...skyline.matchAll(/<a href="(#case-\d)" class="([^"]+)"/g)].map(([, to, look]) => [to, look])).toEqual([
      ['#case-1', 'passed'],
      ['#case-2', 'passed'],
      ['#case-3', 'failed first'],
    ])
  })
})
