// node:http with a keep-alive agent and `data` events.
import { Agent, request } from 'node:http'
import { createPeerSender } from './sender.mjs'

const agent = new Agent({ keepAlive: true, noDelay: true })

export const createSender = (options) =>
  createPeerSender(options, ({ address, port, method, path, headers, body }, answer) => {
    const asked = request({ agent, host: address, port, path, method, headers }, (response) => {
      answer.onHead(response.statusCode)
      response.on('data', answer.onBytes)
      response.on('end', answer.onEnd)
      response.on('error', answer.onError)
    })
    asked.on('error', answer.onError)
    asked.end(body)
    return () => asked.destroy()
  })
