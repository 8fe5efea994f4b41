// undici's lowest interface: bytes handed to a handler, no body stream.
import { Agent } from 'undici'
import { body, createScanner, handIn, keepBusy, orders } from './harness.mjs'

const agent = new Agent({ connections: orders.streams, pipelining: 1 })
const origin = `http://127.0.0.1:${orders.port}`
const answers = []

const result = await keepBusy((id) => {
  const scanner = createScanner(id)
  answers.push(scanner)
  return new Promise((resolve, reject) => {
    agent.dispatch(
      {
        origin,
        path: '/v1/chat/completions',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': `bench-${id}` },
        body,
      },
      {
        onRequestStart: () => {},
        onResponseStart: () => {},
        onResponseData: (_controller, bytes) => scanner.push(bytes),
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      },
    )
  })
})
handIn(result, answers)
