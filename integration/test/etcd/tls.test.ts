/** A member that speaks TLS: what this package is given for that reaches the client. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { Lock, type LockBackend } from '@locks/core'
import { etcdBackend } from '@locks/etcd'
import { expect, onTestFinished, test } from 'vitest'
import { createFolder, removeFolder } from '../../servers/folder.ts'
import { backendError, etcd } from './harness.ts'

/** An authority that signs itself, and with it a server's and a client's certificate, for 127.0.0.1. */
function certificates() {
  const folder = createFolder('etcd')
  onTestFinished(() => removeFolder(folder))
  const key = join(folder, 'key.pem')
  const cert = join(folder, 'cert.pem')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...curve, '-out', cert, '-days', '2', ...names], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

/** The port of an etcd that is reached by TLS only, and by clients with a certificate only. */
async function secure() {
  const { key, cert } = certificates()
  const { port } = await etcd()
  const front = createServer(
    { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
    (client) => {
      const server = connect(port, '127.0.0.1')
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.pipe(other)
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    },
  )
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void front.close())
  const address = front.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  return { key, cert, host: `https://127.0.0.1:${address.port}` }
}

function open(given: Parameters<typeof etcdBackend>[0]): LockBackend {
  const backend = etcdBackend(given)
  onTestFinished(() => backend.close())
  return backend
}

test('credentials are used: whom to trust, and the own certificate', async () => {
  const { key, cert, host } = await secure()
  const backend = open({ hosts: host, credentials: { rootCertificate: cert, privateKey: key, certChain: cert } })
  await new Lock('a', { backend }).using((lease) => expect(lease.held).toBe(true))
})

test('who is not trusted is not talked to', async () => {
  const { host } = await secure()
  for (const given of [host, host.replace('https:', 'etcds:')]) {
    const refused = new Lock('a', { backend: open(given), requestTimeout: 1_000 }).tryAcquire()
    await expect(refused).rejects.toMatchObject(backendError(/lock "a" on etcd 127\.0\.0\.1/))
  }
})
