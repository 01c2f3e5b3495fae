/** Where to connect, as etcd3 has it. */
export interface EtcdAddress {
  /** `host:port`, or with `http://` or `https://` before it; one or several members of a cluster. Default `127.0.0.1:2379`. */
  readonly hosts?: string | readonly string[] | undefined
  /** A user of etcd. Default: none. */
  readonly auth?: { readonly username: string; readonly password: string } | undefined
  /** For TLS, in PEM: whom to trust, and a client's certificate. Default: none; `https://` hosts are then checked as usual. */
  readonly credentials?:
    | {
        readonly rootCertificate: Buffer
        readonly privateKey?: Buffer | undefined
        readonly certChain?: Buffer | undefined
      }
    | undefined
  /** Options of gRPC's channels, over those that this adapter sets. Default: none. */
  readonly grpcOptions?: Readonly<Record<string, string | number>> | undefined
}
