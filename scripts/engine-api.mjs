// The few requests to a Docker engine that the scripts need, without its client.
import { request } from 'node:http'

const defaultHost = 'unix:///var/run/docker.sock'

/** Where an engine is expected: what DOCKER_HOST names, or the default socket. */
export const expectedHost = () => process.env.DOCKER_HOST || defaultHost

/**
 * One request to the engine at `host`; `body` is a stream or a value that is sent as JSON. Resolves with the text of
 * the answer; rejects if that is an error or takes longer than `timeout` milliseconds.
 */
export function ask(host, method, path, { body, timeout = 30_000 } = {}) {
  const { hostname, port, pathname } = new URL(host)
  const target = hostname === '' ? { socketPath: pathname } : { host: hostname, port }
  const stream = typeof body?.pipe === 'function'
  const headers = body === undefined ? {} : { 'Content-Type': stream ? 'application/x-tar' : 'application/json' }
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout)
    const sent = request({ ...target, method, path, headers, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (data) => {
        text += data
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode < 400 && !text.includes('"errorDetail"')) resolve(text)
        else reject(new Error(`${method} ${path}: ${text.trim()}`))
      })
    })
    sent.once('error', reject)
    if (stream) body.once('error', reject).pipe(sent)
    else sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Whether an engine answers at `host`. */
export function engineAnswers(host = expectedHost()) {
  return ask(host, 'GET', '/_ping', { timeout: 5_000 }).then(
    () => true,
    () => false,
  )
}
