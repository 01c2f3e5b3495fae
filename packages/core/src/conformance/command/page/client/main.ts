import type { Report } from '../../../report.ts'
import { chart } from './chart.ts'
import { browser, type Part, the } from './dom.ts'
import { filter } from './filter.ts'

const { document } = browser
const { cases } = JSON.parse(the(document.getElementById('report')).textContent) as Report

/** Drawn when it is first seen: there may be many. */
function draw(one: Part): void {
  const place = one.querySelector('.timeline')
  const timeline = cases[Number(one.dataset.index)]?.timeline
  if (place === null || timeline === undefined || place.classList.contains('drawn')) return
  place.classList.add('drawn')
  chart(place, timeline)
}

for (const one of document.querySelectorAll('details.case')) {
  one.addEventListener('toggle', () => draw(one))
  if (one.open) draw(one)
}

/** Opens what an address points at. */
function open(): void {
  const one = document.getElementById(browser.location.hash.slice(1))
  if (one?.classList.contains('case') === true) one.open = true
}
browser.addEventListener('hashchange', open)
open()

filter()
