import { browser, type Part, the } from './dom.ts'

/** Hides cases that aren't asked for, and themes of which nothing is left. */
export function filter(): void {
  const { document } = browser
  const bar = the(document.querySelector('.filter'))
  const text = the(bar.querySelector('input[type=search]'))
  const seen = the(bar.querySelector('output'))
  const cases = [...document.querySelectorAll('.case')]
  const names = new Map(cases.map((one) => [one, nameOf(one)]))
  const apply = (): void => {
    const show = the(bar.querySelector('input[name=show]:checked')).value
    const wanted = text.value.trim().toLowerCase()
    let count = 0
    for (const one of cases) {
      const fits = names.get(one)?.includes(wanted) === true && isShown(one, show)
      one.hidden = !fits
      if (fits) count += 1
    }
    for (const theme of document.querySelectorAll('.theme'))
      theme.hidden = [...theme.querySelectorAll('.case')].every((one) => one.hidden)
    seen.textContent = count === cases.length ? '' : `${count} of ${cases.length}`
  }
  bar.addEventListener('input', apply)
  bar.hidden = false
}

function isShown(one: Part, show: string): boolean {
  if (show === 'failed') return one.classList.contains('failed')
  return show === 'all' || one.querySelector('.timeline') !== null
}

function nameOf(one: Part): string {
  const theme = one.closest('.theme')?.querySelector('h2')?.dataset.name ?? ''
  return `${theme}: ${one.querySelector('.title')?.textContent ?? ''}`.toLowerCase()
}
