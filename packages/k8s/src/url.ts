/** What a URL can tell. */
interface Parts {
  readonly namespace: string | undefined
  readonly context: string | undefined
  readonly kubeConfigFile: string | undefined
  readonly leaseName: string | undefined
}

const GRAMMAR = 'k8s://NAMESPACE?context=NAME&kubeconfig=PATH&lease=NAME, or k8s: alone'
const PARAMETERS: readonly string[] = ['context', 'kubeconfig', 'lease']

const wrong = (what: string): TypeError => new TypeError(`${what} in the URL: it must be like ${GRAMMAR}`)

/** Of a URL like `k8s://jobs?context=staging`; each part may be left out. */
export function optionsFromUrl(url: string): Parts {
  const parts = /^k8s:(?:\/\/([^/?#@]*)\/?)?(?:\?([^#]*))?$/.exec(url)
  if (parts === null) throw wrong(`${JSON.stringify(url)} does not fit`)
  const [, namespace, query] = parts
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys())
    if (!PARAMETERS.includes(name)) throw wrong(`unknown option ${JSON.stringify(name)}`)
  const given = (name: string): string | undefined => parameters.get(name) ?? undefined
  return {
    namespace: namespace === undefined || namespace === '' ? undefined : decodeURIComponent(namespace),
    context: given('context'),
    kubeConfigFile: given('kubeconfig'),
    leaseName: given('lease'),
  }
}
