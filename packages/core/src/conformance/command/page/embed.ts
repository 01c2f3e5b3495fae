import { type Markup, raw } from './html.ts'

const LINE_SEPARATORS = /[\u2028\u2029]/g

/**
 * JSON for a script element, where character references mean nothing and the only way out is `</script` or `<!--`. In JSON a
 * `<` stands in strings only, where an escape means the same. U+2028 and U+2029 end a line for some readers of scripts.
 */
export const json = (value: unknown): Markup =>
  raw(JSON.stringify(value).replaceAll('<', '\\u003c').replace(LINE_SEPARATORS, escaped))

const escaped = (one: string): string => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
