// Jest does not run TypeScript by itself. Node.js does, by leaving the types out: so does this, for Jest.
const { stripTypeScriptTypes } = require('node:module')

module.exports = { process: (source) => ({ code: stripTypeScriptTypes(source) }) }
