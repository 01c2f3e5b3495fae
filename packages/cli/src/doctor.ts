import type { Finding } from '@locks/core'
import { parseArguments } from './arguments.ts'
import { diagnose } from './diagnose.ts'
import { type Ending, EXIT, usageError } from './exit.ts'
import { HELP } from './help.ts'
import { whereJson } from './json.ts'
import type { Output } from './output.ts'
import { describeBackend, WHERE, withSession } from './session.ts'
import { oneLine } from './text.ts'

const ORDER: readonly Finding['severity'][] = ['risk', 'unknown', 'ok']

/** `locks doctor` */
export async function doctor(argv: readonly string[], output: Output): Promise<Ending> {
  const args = parseArguments('doctor', argv, { ...WHERE, json: null })
  if (args.set.has('help')) {
    output.print(HELP.doctor)
    return EXIT.ok
  }
  const [name] = args.positionals
  if (name !== undefined)
    throw usageError(
      `no NAME here, as in ${JSON.stringify(name)}: it looks at the whole backend. See: locks doctor --help`,
    )

  return withSession(args, async (session) => {
    const found = await diagnose(session)
    const findings = found.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
    output.print(
      args.set.has('json')
        ? JSON.stringify({ ...whereJson(session), findings })
        : `${describeBackend(session.backend)}: ${countRisks(findings)}\n${describeFindings(findings)}`,
    )
    return findings.some(({ severity }) => severity === 'risk') ? EXIT.risky : EXIT.ok
  })
}

function countRisks(findings: readonly Finding[]): string {
  const risks = findings.filter(({ severity }) => severity === 'risk').length
  return risks === 0 ? 'no risk' : risks === 1 ? '1 risk' : `${risks} risks`
}

function describeFindings(findings: readonly Finding[]): string {
  const width = (column: (finding: Finding) => string): number => Math.max(...findings.map((one) => column(one).length))
  const severities = width(({ severity }) => severity)
  const subjects = width(({ subject }) => oneLine(subject))
  return findings
    .map(
      ({ severity, subject, message }) =>
        `  ${severity.padEnd(severities)}  ${oneLine(subject).padEnd(subjects)}  ${oneLine(message)}`,
    )
    .join('\n')
}
