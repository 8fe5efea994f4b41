/**
 * Common English words, one token each (with the space before them) in nearly every tokenizer in use.
 * Prompts are made of them, so that a prompt's length in tokens can be set by counting words.
 */
export const words: readonly string[] = `
able about above accept action active actual add adult affect after again age agency
agent ago agree ahead air almost alone along already also always among animal annual
another answer any appear apply area argue arm army article artist ask assume attack
author avoid away baby back bad bag ball bank bar base battle beach bear beat because
become bed before begin believe best better beyond big bill black blood blue boat body
bond bone book born bottom box boy branch bread bridge brief bright bring broad brown
budget burn busy call camera camp can cancer capital car card care carry case cash cast
cat cell century certain chain chair chance change check child choice choose church
circle citizen city civil clean clear clock close cloth cloud club coach coast coat code
cold college color come common compare concern consider control copy core corner cost
could count country couple course court cover crack create credit crew crime cross crowd
cry culture current custom cut dad daily damage danger dark day deal dear death debate
decade decide deep defend degree deliver demand deny depend depth desert design desk
detail direct discuss dish dog door double doubt down draft drag draw dream drink drive
drop dry due dust duty each eager ear early earn ease east easy eat edge edit effect
effort egg eight either empty enable end enemy engine enjoy enough ensure enter entire
error escape even event every exact example except exist expand expect explain express
extend eye face fact factor fair faith fall family famous far farm fast father favor
fear feature fellow female few fight figure file fill film finger finish fire firm first
fish fit five fix flag flight floor flow flower fly follow food foot force foreign
forest forget form forward found four frame free fresh friend from fun fund future gain
garden gas gate gather gentle get gift girl give glad glass global goal gold good govern
grace grade grand grant great green ground group growth guess guide gun habit hair half
hall hand happy hard hate have health hear heart height here hero hide high hill hire
history hit hold honest hope hospital host hot hotel hour house how huge human humor
hundred hunt idea image impact improve inch indeed index inform injury inside insist
install intend invest invite island issue item job join joint judge juice junior jury
just keep key kick kill kitchen knee knife knock know lack lady lake land language large
last late laugh launch law lawyer lay lead league learn leave left leg legal lend length
lesson letter lie life lift light like line link lip list listen little load loan local
lock look lose lost lot love low luck lunch machine main major male man manage map mark
market master match matter may maybe meal measure media medical meet member memory
mental mention menu mere method middle mile military mind mine minor minute miss mix
model modern moment money month mood moon moral more morning motion motor mount mouse
move movie much murder muscle music must myth name narrow native nature near nearly neck
need nerve never new next nice night nine noise none normal nothing notice now nurse
object obtain occur ocean odd off office okay old once onto open operate orange order
other out outcome over owner pace page pain paint pair palace pale panel paper park part
party pass past path patient pattern pause pay peak pen people pepper perhaps period
permit person phase photo phrase piano pick picture piece pile pilot pink pipe place
plan plane plant plate play player please plenty plot poem poet point police policy pool
poor pop porch port post pot pour power pray prefer prepare present pretty prevent price
pride prime print prison private prize problem process produce profit program project
promise proof proper protect provide pump pure purple push put quality quarter queen
quick quiet quite radio rail raise range rank rapid rather react ready real reason
receive recent red reduce refer reflect reform region regular reject relate relief
remain remember remove rent repair repeat reply request require research reserve resist
respond rest result retain retire return review rice rich ride right ring rise risk
river road rock roof room root rope rough round route row rub rule rural rush sacred sad
salad salt sample sand scale scene school scope score script sea season second secret
sector see seed seek seem select self send sense series serious service session set
settle seven several shade shadow shake shape share sharp she sheet shell ship shirt
shock shoe shoot shop short shot should show shut sick side sign signal silent silver
similar simple since sing sink site six size skill skin sky sleep slice slide slight
slip slow small smart smile smoke smooth snow social soft soil sold solid solve some son
song soon sort soul source south space speak special speech speed spend spirit split
sport spot spread square staff stand star start state station status stay steady steal
steel still stock stone stop store storm story strange stream street strike strong study
stuff style subject such sudden suffer sugar suit summer sun supply support sure surface
survey swing switch symbol system table tail tale talk tall tank target teach tell ten
tend tennis term test text than thank that them there thick thin thing third this those
though thought thread through throw thus ticket tight time tip tire title toe together
tone tongue tool top total touch tour toward town toy trade train trap travel tree trend
trial trick trip truck true trust truth tube turn twelve twice twin two type uncle under
union unique unit unless until update upon upper urban use useful user valley value very
victim video view virtue virus visit visual vital voice volume vote wait wake walk want
war warm warn wash waste watch water way weak wealth weather wedding week weekend
welcome well west wet wheel when where which while white whole whom wide wife wild will
wind window wine wing winter wire wise with within without woman wonder wood worker
world worth would wrap write yard year yellow yes yet yield you young youth zone
`
  .trim()
  .split(/\s+/)
