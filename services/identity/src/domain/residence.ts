/**
 * Municipality codes (JIS X 0401/0402) from an address text, by longest match. The table is that of `tableDate`: every prefecture, and the
 * municipalities of Tokyo. An address whose municipality is not in it is decided as far as its prefecture.
 */
export const tableDate = '2026-04-01';

const prefectures = [
  ...[
    '北海道',
    '青森県',
    '岩手県',
    '宮城県',
    '秋田県',
    '山形県',
    '福島県',
    '茨城県',
    '栃木県',
    '群馬県',
    '埼玉県',
    '千葉県',
  ],
  ...[
    '東京都',
    '神奈川県',
    '新潟県',
    '富山県',
    '石川県',
    '福井県',
    '山梨県',
    '長野県',
    '岐阜県',
    '静岡県',
    '愛知県',
    '三重県',
  ],
  ...[
    '滋賀県',
    '京都府',
    '大阪府',
    '兵庫県',
    '奈良県',
    '和歌山県',
    '鳥取県',
    '島根県',
    '岡山県',
    '広島県',
    '山口県',
    '徳島県',
  ],
  ...['香川県', '愛媛県', '高知県', '福岡県', '佐賀県', '長崎県', '熊本県', '大分県', '宮崎県', '鹿児島県', '沖縄県'],
];

/** Names in the order of their codes from the first code on. */
const tokyo: readonly (readonly [firstCode: number, names: string])[] = [
  [13101, '千代田区 中央区 港区 新宿区 文京区 台東区 墨田区 江東区 品川区 目黒区 大田区 世田谷区'],
  [13113, '渋谷区 中野区 杉並区 豊島区 北区 荒川区 板橋区 練馬区 足立区 葛飾区 江戸川区'],
  [
    13201,
    '八王子市 立川市 武蔵野市 三鷹市 青梅市 府中市 昭島市 調布市 町田市 小金井市 小平市 日野市 東村山市 国分寺市 国立市',
  ],
  [13218, '福生市 狛江市 東大和市 清瀬市 東久留米市 武蔵村山市 多摩市 稲城市'],
  [13227, '羽村市 あきる野市 西東京市'],
  [13303, '西多摩郡瑞穂町'],
  [13305, '西多摩郡日の出町'],
  [13307, '西多摩郡檜原村 西多摩郡奥多摩町'],
  [13361, '大島町 利島村 新島村 神津島村'],
  [13381, '三宅村 御蔵島村'],
  [13401, '八丈町 青ヶ島村'],
  [13421, '小笠原村'],
];

const table: ReadonlyMap<string, string> = new Map([
  ...prefectures.map((name, index) => [name, String(index + 1).padStart(2, '0')] as const),
  ...tokyo.flatMap(([first, names]) =>
    names.split(' ').map((name, index) => [`東京都${name}`, String(first + index)] as const),
  ),
]);
const longest = Math.max(...[...table.keys()].map((name) => name.length));

/** Five digits for a municipality, two where only the prefecture is decided, null for neither. */
export function residenceCode(address: string): string | null {
  const text = address.normalize('NFKC').replace(/\s/g, '');
  for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
    const code = table.get(text.slice(0, length));
    if (code !== undefined) return code;
  }
  return null;
}
