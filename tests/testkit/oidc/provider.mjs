// A real OpenID provider for tests: oidc-provider, with one client and no pages. Whoever comes is signed in as the account
// that was named last (POST /account), and consents. Run with the address that it is to listen at, the client's id, its
// secret, and where it sends people back to.
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const [port, clientId, clientSecret, back] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
let account = { sub: 'nobody' };

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [back],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ['only for tests'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => account }),
});

async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: account.sub } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const handle = provider.callback();
createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/account') {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => { account = JSON.parse(body); response.end(); });
  } else if (request.url.startsWith('/interaction/')) {
    interact(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
  } else {
    handle(request, response);
  }
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
