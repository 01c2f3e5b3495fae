import { element, type Part } from './dom.ts'

/** Beside the pointer: to its right, near the right edge to its left. */
const GAP = 14

export interface Tooltip {
  readonly part: Part
  show(lines: readonly string[], x: number, y: number, width: number): void
  hide(): void
}

export function tooltip(): Tooltip {
  const part = element('div', { class: 'tooltip', 'aria-hidden': 'true' })
  part.hidden = true
  return {
    part,
    show(lines, x, y, width) {
      part.replaceChildren(...lines.map((line, index) => element(index === 0 ? 'strong' : 'span', {}, line)))
      part.hidden = false
      const left = x > width / 2
      part.style.setProperty('left', left ? 'auto' : `${x + GAP}px`)
      part.style.setProperty('right', left ? `${width - x + GAP}px` : 'auto')
      part.style.setProperty('top', `${y + GAP}px`)
    },
    hide() {
      part.hidden = true
    },
  }
}
