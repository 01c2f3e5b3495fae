/**
 * The part of a browser that the page uses. The DOM's own types would be there for all of this package, whose code runs
 * where there is no DOM.
 */
export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface Happening {
  readonly target: Part
  preventDefault(): void
}

export interface Pointing extends Happening {
  readonly pointerId: number
  readonly pointerType: string
  readonly button: number
  readonly clientX: number
  readonly clientY: number
}

export interface Wheeling extends Pointing {
  readonly deltaX: number
  readonly deltaY: number
  readonly deltaMode: number
  readonly ctrlKey: boolean
}

export interface Typing extends Happening {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

interface Happenings {
  readonly click: Happening
  readonly dblclick: Pointing
  readonly input: Happening
  readonly toggle: Happening
  readonly keydown: Typing
  readonly wheel: Wheeling
  readonly pointerdown: Pointing
  readonly pointermove: Pointing
  readonly pointerup: Pointing
  readonly pointercancel: Pointing
  readonly pointerleave: Pointing
  readonly focus: Happening
  readonly blur: Happening
}

export interface Part {
  id: string
  hidden: boolean
  open: boolean
  textContent: string
  value: string
  readonly dataset: Record<string, string | undefined>
  readonly classList: {
    add(name: string): void
    toggle(name: string, on: boolean): void
    contains(name: string): boolean
  }
  readonly style: { setProperty(name: string, value: string): void }
  readonly clientWidth: number
  append(...parts: readonly (Part | string)[]): void
  replaceChildren(...parts: readonly Part[]): void
  setAttribute(name: string, value: string): void
  getBoundingClientRect(): Box
  setPointerCapture(pointerId: number): void
  querySelector(selector: string): Part | null
  querySelectorAll(selector: string): Iterable<Part>
  closest(selector: string): Part | null
  scrollIntoView(options?: { readonly block: 'nearest' | 'center' }): void
  addEventListener<Name extends keyof Happenings>(
    name: Name,
    listener: (happening: Happenings[Name]) => void,
    options?: { readonly passive: boolean },
  ): void
}

export interface Page {
  querySelector(selector: string): Part | null
  querySelectorAll(selector: string): Iterable<Part>
  getElementById(id: string): Part | null
  createElement(name: string): Part
  createElementNS(namespace: string, name: string): Part
}

export interface Browser {
  readonly document: Page
  readonly location: { readonly hash: string }
  requestAnimationFrame(draw: () => void): number
  addEventListener(
    name: 'hashchange' | 'scroll' | 'beforeprint',
    listener: () => void,
    options?: { readonly passive: boolean },
  ): void
  readonly ResizeObserver: new (seen: () => void) => { observe(part: Part): void }
}

export const browser: Browser = globalThis as unknown as Browser

/** What must be there, since the page was made with it. */
export function the(part: Part | null): Part {
  if (part === null) throw new Error('a part of the page is missing')
  return part
}

/** A new element of HTML; text becomes text, never markup. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...contents: readonly (Part | string)[]
): Part {
  const made = browser.document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...contents)
  return made
}
