/** Servers of the hostile tests: one that must never hear a request, one that the person configured and that answers badly. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Attacker {
  readonly url: string;
  /** Method, path and credentials of everything that arrived. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Answers everything and remembers it. */
export async function startAttacker(): Promise<Attacker> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    response.writeHead(200, { 'content-type': 'image/png', 'access-control-allow-origin': '*' });
    response.end();
  });
  const url = await listen(server);
  return { url, requests, close: () => close(server) };
}

/** A server that sends every request on to another. */
export async function startRedirecting(to: string): Promise<Attacker> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.writeHead(307, { location: `${to}${request.url}` });
    response.end();
  });
  const url = await listen(server);
  return { url, requests, close: () => close(server) };
}

const listen = (server: Server): Promise<string> =>
  new Promise(resolve =>
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );

const close = (server: Server): Promise<void> =>
  new Promise(resolve => {
    server.closeAllConnections();
    server.close(() => resolve());
  });

/** An answer with everything that could fetch, run or open something when it is shown. */
export const hostileMarkup = (attacker: string, salt: number): string =>
  [
    `Answer ${salt} ![picture](${attacker}/markdown.png) [link](command:workbench.action.quit)`,
    `<img src="${attacker}/img.png" onerror="fetch('${attacker}/onerror')"><script>fetch('${attacker}/script')</script>`,
    `<iframe src="${attacker}/frame"></iframe><link rel="stylesheet" href="${attacker}/style.css">`,
    `<style>@import url(${attacker}/import.css); body { background: url(${attacker}/background.png) }</style>`,
    `<a href="command:tunesmith.forgetKeys">a</a><svg onload="fetch('${attacker}/svg')"><use href="${attacker}/use.svg#x"/></svg>`,
    `[ref]: ${attacker}/ref.png`,
    '{{ 7 * 7 }} $' + '{alert(1)} </script></textarea>',
  ].join('\n');
