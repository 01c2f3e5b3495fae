/** Text that is HTML already. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Content = string | number | Markup | readonly Content[] | undefined

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** HTML in which everything that is filled in is text, unless it is markup itself. Attribute values must stand in quotes. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(parts.map((part, index) => part + markup(contents[index])).join(''))
}

function markup(content: Content): string {
  if (content === undefined) return ''
  if (content instanceof Markup) return content.text
  if (typeof content === 'string' || typeof content === 'number')
    return String(content).replace(/[&<>"']/g, (one) => ESCAPES[one] ?? one)
  return content.map(markup).join('')
}

/** Markup that was made without `html`, by code that knows why it is safe. */
export const raw = (text: string): Markup => new Markup(text)
