import { fontFamily } from './font-widths.ts'
import { type Colour, palette } from './palette.ts'

/** The style sheet. `stamp` is printed at the top of every page. */
export function styleSheet(stamp: string): string {
  return `:root{color-scheme:light dark;${variables('light')}}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}
${chartColours()}
@page{margin:14mm 12mm 16mm;@top-left{content:"${stamp}";font:bold 9pt ${fontFamily};color:#c81e1e}@bottom-right{content:counter(page) " / " counter(pages);font:9pt ${fontFamily};color:#52606d}}
${rules}`
}

/** Colours of the page alone. */
const pageColours = {
  page: { light: '#f5f7fa', dark: '#12171e' },
  marked: { light: '#e8eefc', dark: '#263450' },
  good: { light: '#0b6b3a', dark: '#6fdc9f' },
  goodBack: { light: '#e6f5ec', dark: '#12301f' },
  doubt: { light: '#8a4b00', dark: '#ffc46b' },
  doubtBack: { light: '#fdf3e1', dark: '#33260f' },
  bad: { light: '#b01818', dark: '#ff9d94' },
  badBack: { light: '#fdeaea', dark: '#3a1717' },
} as const

type Mode = 'light' | 'dark'

function variables(mode: Mode): string {
  return Object.entries({ ...palette, ...pageColours })
    .map(([name, colours]) => `--${name}:${colours[mode]}`)
    .join(';')
}

/** Charts carry light colours; here they learn what these are called, and so follow the theme. */
function chartColours(): string {
  return (Object.keys(palette) as Colour[])
    .flatMap((name) =>
      ['fill', 'stroke'].map(
        (property) => `svg [${property}="${palette[name].light}"]{${property}:var(--${name})}`,
      ),
    )
    .join('\n')
}

const rules = `*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 ${fontFamily};-webkit-text-size-adjust:100%;text-size-adjust:100%;overflow-wrap:break-word}
main{max-width:1120px;margin:0 auto;padding:20px 20px 48px}
.notice{background:#8f1d14;color:#fff;font-weight:bold;padding:12px 20px;text-align:center;border-bottom:1px solid #fff;print-color-adjust:exact;-webkit-print-color-adjust:exact}
header,section,.verdict,.kpi{background:var(--card);border:1px solid var(--grid);border-radius:10px}
header,section{padding:20px 24px;margin:0 0 16px}
h1{font-size:24px;line-height:1.25;margin:2px 0 14px;overflow-wrap:anywhere}
h2{font-size:18px;margin:0 0 10px}
h3{font-size:15px;margin:22px 0 6px}
p{margin:8px 0;max-width:80ch}
ul{margin:6px 0;padding-left:20px;max-width:84ch}
li{margin:3px 0;overflow-wrap:anywhere}
.eyebrow{color:var(--muted);font-size:13px;margin:0}
.small{color:var(--muted);font-size:13px}
.note{margin-right:10px}
.verdict{padding:16px 24px;margin:0 0 16px;border-left-width:6px}
.verdict h2{font-size:20px;margin:0}
.verdict h3{margin:14px 0 4px}
.verdict ul{max-width:none}
.VALID{border-left-color:var(--good)}.VALID h2{color:var(--good)}
.DEGRADED{border-left-color:var(--doubt);background:var(--doubtBack)}.DEGRADED h2{color:var(--doubt)}
.INVALID{border-left-color:var(--bad);background:var(--badBack)}.INVALID h2{color:var(--bad)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:10px 28px;margin:0}
.facts div{min-width:0}
.facts dt{color:var(--muted);font-size:13px}
.facts dd{margin:0;overflow-wrap:anywhere}
.stamp{color:var(--red);font-weight:bold;margin:0 0 8px}
.kpis{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,190px),1fr));gap:12px;margin:0 0 16px}
.kpi{padding:14px 16px;min-width:0}
.kpi .label{color:var(--muted);font-size:13px;line-height:1.4;min-height:2.8em}
.kpi .value{font-size:26px;line-height:1.25;font-weight:bold;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.kpi .detail{color:var(--muted);font-size:13px;overflow-wrap:anywhere}
.INVALID-figures .value{color:var(--muted);font-weight:normal}
.scroll{overflow-x:auto;margin:8px 0 14px;-webkit-overflow-scrolling:touch}
.scroll:focus-visible{outline:2px solid var(--blue);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:7px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid);min-width:4.5em;max-width:46ch}
thead th{color:var(--muted);font-size:.93em;font-weight:normal;vertical-align:bottom}
thead .groups th{white-space:nowrap;border-bottom:0;padding-bottom:0;text-align:right}
thead .groups th:first-child{text-align:left}
tbody th{font-weight:bold;min-width:6.5em}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
thead .num{white-space:normal}
.nowrap{white-space:nowrap}
.priced,.priced th{background:var(--marked)}
.level th{background:var(--page);color:var(--ink)}
.level~tr th{font-weight:normal}
.interval,.absent{color:var(--muted);font-size:.9em;font-weight:normal}
.why{display:inline-block;white-space:normal;text-align:left;min-width:22ch;max-width:46ch}
.num .why{max-width:34ch}
.remark{background:var(--doubtBack);border-left:4px solid var(--doubt);border-radius:6px;padding:8px 14px;margin:8px 0 14px;overflow-wrap:anywhere}
.remark strong{color:var(--doubt)}
.tall .scroll{max-height:440px;overflow:auto}
.tall thead th{position:sticky;top:0;z-index:1;background:var(--card)}
.kind{color:var(--muted);font-weight:normal;font-size:.9em;border:1px solid var(--grid);border-radius:4px;padding:0 5px;white-space:nowrap}
sup{color:var(--muted);font-weight:normal;line-height:0}
.status{font-weight:bold;font-size:.9em;white-space:nowrap}
.pass{color:var(--good)}.doubtful{color:var(--doubt)}.fail{color:var(--bad)}.not-measured{color:var(--muted)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:18px 24px}
figure{margin:14px 0 0;min-width:0}
figure svg{display:block;width:100%;max-width:460px;height:auto}
figcaption{color:var(--muted);font-size:13px;max-width:460px;padding-left:7px}
footer{color:var(--muted);font-size:13px;text-align:center}
@media (max-width:560px){main{padding:12px 10px 32px}header,section,.verdict{padding:14px}.notice{padding:10px 14px}h1{font-size:20px}.kpis{grid-template-columns:1fr 1fr;gap:8px}.kpi{padding:10px 12px}.kpi .value{font-size:21px}th,td{padding:6px 8px}.scroll tr>th:first-child{position:sticky;left:0;max-width:9.5em;overflow-wrap:anywhere}.scroll tr:not(.priced,.level)>th:first-child{background:var(--card)}}
@media print{:root{color-scheme:light}body{background:none;font-size:10pt}main{max-width:none;padding:10pt 0 0}.notice{font-size:10pt}h1{font-size:16pt}h2,.verdict h2{font-size:13pt}h3{font-size:10.5pt}p,ul,.verdict ul{max-width:none}.small,figcaption,.eyebrow,.facts dt,.kpi .label,.kpi .detail,footer{font-size:8.5pt}header,.kpi{border-color:#c5ccd4}header,.verdict{padding:10pt 12pt;margin:0 0 10pt}.verdict{border-left-width:5px;print-color-adjust:exact;-webkit-print-color-adjust:exact}section{border:0;border-radius:0;padding:0;margin:0 0 16pt}.facts{grid-template-columns:repeat(3,1fr);gap:6pt 14pt}.scroll,.tall .scroll{overflow:visible;max-height:none}table{font-size:8.5pt}th,td{padding:3pt 5pt;min-width:0}tbody th{min-width:0}.num{white-space:normal}tr,figure,.kpi,.verdict{break-inside:avoid}h2,h3{break-after:avoid}.charts{grid-template-columns:1fr 1fr}.kpis{grid-template-columns:repeat(5,1fr);gap:8pt}.kpi{padding:7pt 8pt}.kpi .value{font-size:14pt}}
`
