/** Control characters, and those that reorder a line: text written by others must not drive this terminal. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu

/** Text of others as it may be shown. */
export const printable = (text: string): string =>
  text.replace(UNSAFE, (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`)

/** A message as one line. */
export const oneLine = (message: string): string => printable(message.trim().replace(/\s*\n\s*/g, ' '))

/** A word as it can be pasted into a shell. */
export const shellWord = (word: string): string =>
  /^[A-Za-z0-9_./:@%+,=-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`
