/** Role names come from code, and what somebody typed goes in as text, never as markup. */

/** Chooses the role of the session and begins a login at the platform. */
export function startPage(segment: string, roles: readonly string[]): string {
  const choices = roles.map((role) => `<option>${role}</option>`).join('');
  return page(`
    <form id="begin"><label>Role of the session <select name="role">${choices}</select></label> <button>Log in</button></form>
    <script type="module">
      ${told}
      document.querySelector('#begin').addEventListener('submit', async (event) => {
        event.preventDefault();
        const begun = await call('POST', '', { role: new FormData(event.target).get('role') });
        if (!begun.ok) return refused(begun.body);
        sessionStorage.setItem('${segment}', begun.body.loginId);
        location.assign(begun.body.authorizationUrl);
      });
    </script>`);
}

/** Stands for the organisation's own page: who somebody is, and what the organisation lets them be. */
export function approvalPage(roles: readonly string[]): string {
  const boxes = roles.map(
    (role) => `<label><input type="checkbox" name="roles" value="${role}" checked> ${role}</label>`,
  );
  return page(`
    <form method="post">
      <p><label>Subject <input name="subject" value="developer" maxlength="100" required></label></p>
      <p>Roles that the login gives: ${boxes.join(' ')}</p>
      <button>Approve</button>
    </form>`);
}

/** Completes the login, and shows the access token until it is logged out. */
export function donePage(segment: string): string {
  return page(`
    <div id="session" hidden>
      <p><label>Access token <textarea id="token" rows="8" readonly></textarea></label></p>
      <button id="copy">Copy</button> <button id="end">Log out</button>
    </div>
    <p><a href="/${segment}">Another login</a></p>
    <script type="module">
      ${told}
      const loginId = sessionStorage.getItem('${segment}');
      const { code, state, iss, error } = Object.fromEntries(new URLSearchParams(location.search));
      // A code in the history could be sent again.
      history.replaceState(null, '', location.pathname);
      if (!code || !loginId) {
        say(error ? 'The login says: ' + error : 'Nothing is under way here: begin a login.');
      } else {
        const { ok, body } = await call('POST', '/' + loginId + '/complete', { code, state, iss });
        if (ok) show(body);
        else refused(body);
      }

      function show({ accessToken, role, ownerId, subject, expiresAt }) {
        sessionStorage.removeItem('${segment}');
        say(role + ' of ' + ownerId + ' until ' + new Date(expiresAt).toLocaleTimeString() + ', in the log staff:' + subject);
        const field = document.querySelector('#token');
        field.value = accessToken;
        document.querySelector('#session').hidden = false;
        document.querySelector('#copy').addEventListener('click', async () => {
          field.select();
          await navigator.clipboard.writeText(accessToken).then(() => say('Copied.'), () => say('Selected: copy it by the keyboard.'));
        });
        document.querySelector('#end').addEventListener('click', async () => {
          const ended = await fetch('/identity/v1/staff-sessions/current', {
            method: 'DELETE', headers: { authorization: 'Bearer ' + accessToken } });
          if (!ended.ok) return refused(await ended.json());
          document.querySelector('#session').hidden = true;
          field.value = '';
          say('Logged out.');
        });
      }
    </script>`);
}

/** What both scripts do with the platform and tell its user. */
const told = `
      const say = (text) => { document.querySelector('#told').textContent = text; };
      const refused = ({ title, detail, next, code }) =>
        say([...new Set([title, detail, next].filter(Boolean)), '(' + code + ')'].join(' '));
      async function call(method, path, body) {
        const answer = await fetch('/identity/v1/staff-logins' + path, {
          method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
        return { ok: answer.ok, body: await answer.json() };
      }`;

function page(content: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tsunagu: development login</title>
    <style>
      body { font: 1rem/1.5 sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem }
      button, input, select { font: inherit; padding: 0.2rem 0.6rem }
      textarea { box-sizing: border-box; display: block; width: 100%; font: 0.8rem monospace }
      #told { overflow-wrap: anywhere }
    </style>
    <body><h1>Development login of staff</h1><p>Of the test profile: no password, anybody may be anyone.</p>
    <p id="told" role="status"></p>${content}</body></html>`;
}
