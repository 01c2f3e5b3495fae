import { connect } from 'node:net'

/** What a server on this machine answers to a text, up to `end`. Rejects if that is not there within a second. */
export function ask(port: number, text: string, end: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(text))
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => {
    answer += part
    if (answer.includes(end)) resolve(answer)
  })
  socket.setTimeout(1_000, () => reject(new Error('no answer')))
  socket.once('error', reject)
  socket.once('close', () => reject(new Error('no whole answer')))
  return promise.finally(() => socket.destroy())
}
