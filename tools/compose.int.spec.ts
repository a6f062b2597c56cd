import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { serviceNames } from '@tsunagu/contracts';
import { secretNames } from '../infra/make-secrets.mjs';

const root = resolve(import.meta.dirname, '..');
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const compose = text('docker-compose.yml');

interface Project {
  readonly services: Readonly<Record<string, ComposeService>>;
}
interface ComposeService {
  readonly image?: string;
  readonly build?: object;
  readonly command?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: object;
  readonly ports?: readonly { readonly host_ip?: string; readonly published: string }[];
  readonly volumes?: readonly { readonly type: string; readonly source: string }[];
  readonly read_only?: boolean;
}

const program = join(root, '.cache/bin/compose-check');
const go = { ...process.env, PATH: `${process.env.PATH}:/usr/local/go/bin` };
const required = Boolean(process.env.CI || process.env.TSUNAGU_REQUIRE_GO);
const built = spawnSync('go', ['build', '-o', program, '.'], {
  cwd: join(root, 'infra/compose-check'),
  env: go,
  encoding: 'utf8',
  timeout: 240_000,
});
const hindrance = built.error
  ? 'no go was found'
  : built.status === 0
    ? undefined
    : built.stderr.trim().split('\n').at(-1);
if (hindrance && !required) console.warn(`left out, the check of docker-compose.yml: ${hindrance}`);

function load(environment: Readonly<Record<string, string>>) {
  return spawnSync(program, ['docker-compose.yml'], { cwd: root, encoding: 'utf8', env: { ...environment, PATH: '' } });
}
const secrets = Object.fromEntries(secretNames.map((name: string) => [name, `given-${name.toLowerCase()}`]));

(hindrance && !required ? describe.skip : describe)('docker-compose.yml, as an engine reads it', () => {
  let project: Project;
  beforeAll(() => {
    expect(hindrance).toBeUndefined();
    const loaded = load(secrets);
    expect(loaded.stderr).toBe('');
    project = JSON.parse(loaded.stdout);
  });

  test.each(serviceNames)('%s runs its main.ts with a database of its own', (name) => {
    const service = project.services[name];
    expect(service?.command).toEqual([`services/${name}/src/main.ts`]);
    expect(existsSync(join(root, `services/${name}/src/main.ts`))).toBe(true);
    const database = name.replaceAll('-', '_');
    const at = `@postgres:5432/${database}`;
    expect(service?.environment?.DATABASE_URL).toBe(`postgres://${database}:given-${database}_password${at}`);
    expect(service?.environment?.OWNER_DATABASE_URL).toBe(
      `postgres://${database}_owner:given-owner_${database}_password${at}`,
    );
    expect(service?.read_only).toBe(true);
  });

  test('publishes on 127.0.0.1 only', () => {
    const ports = Object.values(project.services).flatMap(({ ports = [] }) => ports);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port.host_ip).toBe('127.0.0.1');
  });

  test('knows of every part whether it is well; our image says it itself', () => {
    for (const service of Object.values(project.services)) expect(service.healthcheck ?? service.build).toBeDefined();
    expect(text('Dockerfile')).toContain('HEALTHCHECK');
  });

  test('mounts files that exist, and pins what it did not build', () => {
    const services = Object.values(project.services);
    for (const { source } of services.flatMap(({ volumes = [] }) => volumes).filter(({ type }) => type === 'bind')) {
      expect([source, existsSync(resolve(root, source))]).toEqual([source, true]);
    }
    for (const { image, build } of services) if (!build) expect(image).toMatch(/:[\w.-]*\d/);
  });

  test('does not start without its passwords, and says what to do', () => {
    const refused = load({});
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('make-secrets');
  });
});

describe('the files around docker-compose.yml', () => {
  test('no secret stands in it, and each that it wants is made', () => {
    const wanted = new Set([...compose.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
    expect([...wanted].sort()).toEqual([...secretNames].sort());
    expect(compose).not.toMatch(/PASSWORD: (?!\$\{)/);
    expect(compose).not.toMatch(/:\/\/\w+:(?!\$\{)[^@/\s]+@/);
  });

  test.each(serviceNames)('proxy, Prometheus and the database script know %s', (name) => {
    expect(text('infra/proxy/nginx.conf')).toContain(`server ${name}:8080;`);
    expect(text('infra/prometheus/prometheus.yml')).toContain(`- ${name}:8080`);
    expect(text('infra/postgres/10-databases.sh')).toMatch(new RegExp(`\\b${name.replaceAll('-', '_')}\\b`));
  });

  test('the proxy blocks internal questions before it routes anything', () => {
    const proxy = text('infra/proxy/nginx.conf');
    expect(proxy).toContain('location ~* ^/[^/]+/internal(/|$) { return 404; }');
  });

  test('the image runs the command that start:kafka runs, not as root', () => {
    const dockerfile = text('Dockerfile');
    const command = /const options = (\[.*\]);/.exec(text('services/platform/src/start-with-kafka.ts'))?.[1] ?? '';
    expect(command).toContain('./tools/hook.mjs');
    expect(dockerfile).toContain(`ENTRYPOINT ["node", ${command.slice(1).replaceAll("'", '"')}`);
    expect(dockerfile).toMatch(/^USER node$/m);
  });
});
