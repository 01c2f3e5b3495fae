import { browser, type Part } from './dom.ts'
import type { Shape } from './scene.ts'

const SVG = 'http://www.w3.org/2000/svg'

export function picture(): Part {
  const svg = browser.document.createElementNS(SVG, 'svg')
  svg.setAttribute('class', 'picture')
  return svg
}

/** Draws a scene in place of what was there. */
export function paint(svg: Part, shapes: readonly Shape[], width: number, height: number): void {
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  svg.setAttribute('height', String(height))
  svg.replaceChildren(...shapes.map(drawn))
}

function drawn(shape: Shape): Part {
  const part = browser.document.createElementNS(SVG, shape.kind)
  part.setAttribute('class', shape.look)
  if (shape.kind === 'path') part.setAttribute('d', shape.d)
  else {
    part.setAttribute('x', String(shape.x))
    part.setAttribute('y', String(shape.y))
    part.textContent = shape.text
  }
  return part
}
