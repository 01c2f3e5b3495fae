import type { Timeline } from '../../../report.ts'
import { element, type Part } from './dom.ts'
import { summed } from './words.ts'

export interface Buttons {
  readonly closer: () => void
  readonly wider: () => void
  readonly reset: () => void
}

/** What the colors mean, of those that are there, and the buttons. */
export function legend(timeline: Timeline, { closer, wider, reset }: Buttons): Part {
  const { holdings, troubles, overlaps } = timeline
  const modes = (['exclusive', 'shared', 'semaphore'] as const).filter((mode) =>
    holdings.some((one) => one.mode === mode),
  )
  const keys = [
    ...modes.map((mode) => ({ look: `held ${mode}`, text: mode })),
    ...(troubles.length > 0 ? [{ look: 'trouble', text: 'trouble' }] : []),
    ...(overlaps.length > 0 ? [{ look: 'overlap', text: 'overlap' }] : []),
  ]
  return element(
    'div',
    { class: 'legend' },
    element('span', { class: 'summed' }, summed(timeline)),
    ...keys.map(({ look, text }) => element('span', { class: 'key' }, element('i', { class: look }), text)),
    element(
      'span',
      { class: 'buttons' },
      button('−', 'Zoom out', wider),
      button('+', 'Zoom in', closer),
      button('all', 'Show everything', reset),
    ),
  )
}

function button(text: string, label: string, press: () => void): Part {
  const made = element('button', { type: 'button', 'aria-label': label, title: label }, text)
  made.addEventListener('click', press)
  return made
}
