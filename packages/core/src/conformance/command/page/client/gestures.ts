import { browser, type Part, type Pointing } from './dom.ts'

/** What somebody wants to see. Places and distances are fractions of the time's width. */
export interface Wishes {
  zoom(factor: number, at: number): void
  pan(by: number): void
  reset(): void
  /** Where a pointer is, in pixels of the picture; undefined: it has gone. */
  point(place: { readonly x: number; readonly y: number } | undefined): void
}

const PER_PIXEL = 1.0035
const LINE = 16
const STEP = 1.5
const STRIDE = 0.15
/** Milliseconds after which a page that was being scrolled has come to rest. */
const REST = 250

let scrolled = Number.NEGATIVE_INFINITY
browser.addEventListener('scroll', () => (scrolled = Date.now()), { passive: true })

/** Wheel, pinch, drag, double click and keys of a picture. `left`: where time begins in it. */
export function gestures(svg: Part, left: () => number, isWhole: () => boolean, wishes: Wishes): void {
  const place = ({ clientX, clientY }: Pointing): { readonly x: number; readonly y: number } => {
    const box = svg.getBoundingClientRect()
    return { x: clientX - box.left, y: clientY - box.top }
  }
  const span = (): number => Math.max(1, svg.getBoundingClientRect().width - left())
  const fraction = (x: number): number => Math.min(1, Math.max(0, (x - left()) / span()))

  svg.addEventListener(
    'wheel',
    (wheel) => {
      const scale = wheel.deltaMode === 1 ? LINE : 1
      const [across, along] = [wheel.deltaX * scale, wheel.deltaY * scale]
      // A page on its way over the picture goes on, and so it does where there is nothing to zoom out to.
      const passing = Date.now() - scrolled < REST || (along > 0 && isWhole())
      if (!wheel.ctrlKey && passing) return
      wheel.preventDefault()
      if (Math.abs(across) > Math.abs(along)) wishes.pan(across / span())
      else wishes.zoom(PER_PIXEL ** -(wheel.ctrlKey ? 4 * along : along), fraction(place(wheel).x))
    },
    { passive: false },
  )

  const down = new Map<number, { readonly x: number; readonly y: number }>()
  const lift = ({ pointerId }: Pointing): void => {
    down.delete(pointerId)
    svg.classList.toggle('dragged', down.size > 0)
  }
  svg.addEventListener('pointerdown', (pointer) => {
    if (pointer.button !== 0) return
    down.set(pointer.pointerId, place(pointer))
    svg.setPointerCapture(pointer.pointerId)
    svg.classList.toggle('dragged', true)
  })
  svg.addEventListener('pointermove', (pointer) => {
    const [before, now] = [down.get(pointer.pointerId), place(pointer)]
    if (before !== undefined) {
      const other = [...down].find(([id]) => id !== pointer.pointerId)?.[1]
      if (other === undefined) wishes.pan((before.x - now.x) / span())
      else {
        const apart = (one: { readonly x: number }): number => Math.max(8, Math.abs(one.x - other.x))
        wishes.zoom(apart(now) / apart(before), fraction((now.x + other.x) / 2))
      }
      down.set(pointer.pointerId, now)
    }
    wishes.point(now)
  })
  svg.addEventListener('pointerup', lift)
  svg.addEventListener('pointercancel', lift)
  svg.addEventListener('pointerleave', () => wishes.point(undefined))
  svg.addEventListener('dblclick', () => wishes.reset())

  const keys: Readonly<Record<string, () => void>> = {
    '+': () => wishes.zoom(STEP, 0.5),
    '=': () => wishes.zoom(STEP, 0.5),
    '-': () => wishes.zoom(1 / STEP, 0.5),
    ArrowLeft: () => wishes.pan(-STRIDE),
    ArrowRight: () => wishes.pan(STRIDE),
    '0': () => wishes.reset(),
    Escape: () => wishes.reset(),
  }
  svg.addEventListener('keydown', (typing) => {
    const wish = typing.ctrlKey || typing.metaKey || typing.altKey ? undefined : keys[typing.key]
    if (wish === undefined) return
    typing.preventDefault()
    wish()
  })
}
