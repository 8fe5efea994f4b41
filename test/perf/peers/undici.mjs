// undici's lowest interface: bytes handed to a handler, no body stream.
import { Agent } from 'undici'
import { createPeerSender } from './sender.mjs'

const agent = new Agent({ connections: null, pipelining: 1 })

export const createSender = (options) =>
  createPeerSender(options, ({ address, port, method, path, headers, body }, answer) => {
    let controller
    agent.dispatch(
      { origin: `http://${address}:${port}`, path, method, headers, body },
      {
        onRequestStart: (given) => {
          controller = given
        },
        onResponseStart: (_controller, status) => answer.onHead(status),
        onResponseData: (_controller, bytes) => answer.onBytes(bytes),
        onResponseEnd: () => answer.onEnd(),
        onResponseError: (_controller, error) => answer.onError(error),
      },
    )
    return () => controller?.abort(new Error('stopped'))
  })
