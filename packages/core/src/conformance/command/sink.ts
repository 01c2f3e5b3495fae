import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0] | 'plain'

/** Where text goes: a terminal, or not. */
export interface Sink {
  /** Whether lines that were written can be written anew. */
  readonly live: boolean
  readonly columns: number
  readonly rows: number
  write(text: string): void
  paint(style: Style, text: string): string
}

export function sinkOf(stream: NodeJS.WriteStream): Sink {
  // Held on to: others may come to stand between this stream and those who write to it.
  const write = stream.write.bind(stream)
  return {
    live: stream.isTTY === true && process.env.TERM !== 'dumb',
    // A terminal that doesn't know its size says 0.
    get columns() {
      return stream.columns || 100
    },
    get rows() {
      return stream.rows || 24
    },
    write: (text) => void write(text),
    paint: (style, text) => (style === 'plain' ? text : styleText(style, text, { stream })),
  }
}
