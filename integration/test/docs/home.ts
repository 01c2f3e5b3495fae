/** Loaded before a sample: the account's home is a folder of the test, so that no sample touches the real one. */
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'

const { userInfo } = os
const homedir = process.env.HOME

Object.assign(os, { userInfo: () => ({ ...userInfo(), homedir }) })
syncBuiltinESMExports()
