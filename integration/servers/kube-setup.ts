import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFolder, removeFolder } from './folder.ts'
import { requireOnPath } from './server-process.ts'

/** What an apiserver is given in files, and its clients have to know. */
export interface KubeSetup {
  /** May do everything. */
  readonly adminToken: string
  /** The certificate that the server shows, for 127.0.0.1: it signs itself. PEM. */
  readonly ca: string
  /** Contents by name. */
  readonly files: Readonly<Record<string, string>>
}

let certificate: { readonly cert: string; readonly key: string } | undefined

/** One for all servers of this process. */
function certify(): { readonly cert: string; readonly key: string } {
  if (certificate !== undefined) return certificate
  requireOnPath('openssl', 'openssl')
  const folder = createFolder('kube')
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
    const names = ['-subj', '/CN=locks-test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    execFileSync('openssl', ['req', '-x509', ...curve, '-out', cert, '-days', '2', ...names], { stdio: 'pipe' })
    certificate = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
    return certificate
  } finally {
    removeFolder(folder)
  }
}

export function kubeSetup(): KubeSetup {
  const { cert, key } = certify()
  const adminToken = randomUUID()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const files = {
    'cert.pem': cert,
    'key.pem': key,
    'tokens.csv': `${adminToken},admin,admin,system:masters\n`,
    'accounts.pem': privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
  }
  return { adminToken, ca: cert, files }
}

export interface ApiserverAddress {
  /** The address that it listens on. */
  readonly bind: string
  readonly port: number
  readonly etcd: string
  /** The folder of its files. */
  readonly folder: string
}

/** What a cluster's apiserver is started with, less what has to do with nodes. */
export function apiserverArguments({ bind, port, etcd, folder }: ApiserverAddress): readonly string[] {
  const file = (name: string): string => `${folder}/${name}`
  return [
    ...['--etcd-servers', etcd, '--bind-address', bind, '--secure-port', `${port}`],
    ...['--advertise-address', '127.0.0.1', '--endpoint-reconciler-type', 'none'],
    ...['--cert-dir', folder, '--tls-cert-file', file('cert.pem'), '--tls-private-key-file', file('key.pem')],
    ...['--token-auth-file', file('tokens.csv'), '--authorization-mode', 'RBAC'],
    ...['--service-account-issuer', 'https://kubernetes.default.svc'],
    ...['--service-account-key-file', file('accounts.pem'), '--service-account-signing-key-file', file('accounts.pem')],
    ...['--service-cluster-ip-range', '10.0.0.0/24'],
  ]
}
