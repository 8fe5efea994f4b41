/** What `/proc` says of processes and sockets that are made up. */
export interface MadeProcess {
  readonly pid: number
  readonly parentPid?: number
  readonly name?: string
  /** Inodes of its sockets. */
  readonly sockets?: readonly number[]
  readonly cgroup?: string
  /** Arguments, the program's name first. */
  readonly commandLine?: readonly string[]
  readonly cpus?: string
  readonly networkNamespace?: string
}

/** Files and links of `/proc` for a fake machine, on which baremark itself is process 999. */
export function procFiles(
  processes: readonly MadeProcess[],
  tables: { readonly tcp?: string[]; readonly tcp6?: string[]; readonly unix?: string[] } = {},
): { files: Record<string, string>; links: Record<string, string> } {
  const files: Record<string, string> = {
    '/proc/net/tcp': table(TCP_HEADER, tables.tcp),
    '/proc/net/tcp6': table(TCP_HEADER, tables.tcp6),
    '/proc/net/unix': table(UNIX_HEADER, tables.unix),
    '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-1.scope\n',
    '/proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-3\n',
  }
  const links: Record<string, string> = { '/proc/self': '999' }
  for (const process of processes) Object.assign(files, filesOf(process))
  for (const process of processes) Object.assign(links, linksOf(process))
  return { files, links }
}

const TCP_HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const UNIX_HEADER = 'Num       RefCount Protocol Flags    Type St Inode Path'

function table(header: string, rows: readonly string[] = []): string {
  return `${[header, ...rows].join('\n')}\n`
}

function filesOf({ pid, parentPid = 1, name = 'server', ...rest }: MadeProcess) {
  const { cgroup = '/user.slice/user-1000.slice/session-1.scope', commandLine = [name] } = rest
  return {
    [`/proc/${pid}/stat`]: `${pid} (${name}) S ${parentPid} ${pid} ${pid} 0 -1 4194560 101 0 0 0`,
    [`/proc/${pid}/cgroup`]: `0::${cgroup}\n`,
    [`/proc/${pid}/cmdline`]: `${commandLine.join('\0')}\0`,
    [`/proc/${pid}/status`]: `Name:\t${name}\nCpus_allowed_list:\t${rest.cpus ?? '0-3'}\n`,
  }
}

function linksOf({ pid, sockets = [], networkNamespace = '1' }: MadeProcess) {
  const files = ['/dev/null', 'anon_inode:[eventpoll]', ...sockets.map((at) => `socket:[${at}]`)]
  return Object.fromEntries([
    ...files.map((target, at) => [`/proc/${pid}/fd/${at}`, target]),
    [`/proc/${pid}/ns/net`, `net:[${networkNamespace}]`],
  ])
}

/** A row of `/proc/net/tcp` or `tcp6`; `0A` is a socket that listens, `01` a connection. */
export function tcpRow(hexAddress: string, port: number, inode: number, state = '0A'): string {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const nobody = hexAddress.replace(/./g, '0')
  return `   0: ${hexAddress}:${hexPort} ${nobody}:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 000000007974acc5 100 0 0 10 0`
}
