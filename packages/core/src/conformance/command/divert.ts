type Write = typeof process.stdout.write

/** From now on what anybody writes to the streams goes to `write`; until the result is called. */
export function divert(streams: readonly NodeJS.WriteStream[], write: (text: string) => void): () => void {
  const own = streams.map((stream) => stream.write)
  const diverted = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    write(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    const callback = typeof encoding === 'function' ? encoding : done
    if (typeof callback === 'function') process.nextTick(callback)
    return true
  }
  for (const stream of streams) stream.write = diverted as Write
  return () => {
    for (const [index, stream] of streams.entries()) stream.write = own[index] as Write
  }
}
