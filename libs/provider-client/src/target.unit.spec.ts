import { baseUrlFault, pinnedAddress } from './target.js';

const production = { allowedHosts: ['pay.example', 'test.example:8443', '10.0.0.1'], loopbackAllowed: false };
const test = { allowedHosts: ['127.0.0.1', 'localhost'], loopbackAllowed: true };

describe("a provider's base URL", () => {
  it.each([
    ['https://pay.example/api', production],
    ['https://PAY.example', production],
    ['https://test.example:8443/x', production],
    ['http://127.0.0.1:8080/sim-pay', test],
    ['http://localhost:8080/sim-pay', test],
  ])('%s may be called', (url, rules) => {
    expect(baseUrlFault(url, rules)).toBeUndefined();
  });

  it.each([
    ['not a url', production, 'is not a URL'],
    ['http://pay.example', production, 'https'],
    ['https://pay.example@evil.example/', production, 'credentials'],
    ['https://pay.example.evil.example/', production, 'list of allowed'],
    ['https://test.example/', production, 'list of allowed'],
    ['https://pay.example/?x=1', production, 'query'],
    ['file:///etc/passwd', test, 'https'],
    ['http://169.254.169.254/', test, 'list of allowed'],
  ])('%s is refused', (url, rules, why) => {
    expect(baseUrlFault(url, rules)).toContain(why);
  });
});

describe('the address to connect to', () => {
  it.each(['127.0.0.1', '[::1]', '::ffff:127.0.0.1'])('%s is loopback: the test profile only', async (host) => {
    expect(await pinnedAddress(host, test)).toBeDefined();
    expect(await pinnedAddress(host, production)).toBeUndefined();
  });

  it.each([
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '[fe80::1]',
    '[fd00::1]',
  ])('%s is never called, listed or not', async (host) => {
    expect(await pinnedAddress(host, test)).toBeUndefined();
    expect(await pinnedAddress(host, production)).toBeUndefined();
  });

  it('is a public address as it stands', async () => {
    expect(await pinnedAddress('203.0.114.5', production)).toEqual({ address: '203.0.114.5', family: 4 });
  });
});
