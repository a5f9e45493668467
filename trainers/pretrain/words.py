# ruff: noqa: E501, SIM905  (tables: a row is a line, a cell is a word)
"""Nouns, verbs and attributes from which random toolsets are built, each with its English and Vietnamese wording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing a tool acts on: its name in identifiers and its wording in either language."""

    name: str
    en: str
    vi: str


@dataclass(frozen=True, slots=True)
class Verb:
    """A family of synonymous actions: identifiers that name it and phrases that ask for it."""

    names: tuple[str, ...]
    en: tuple[str, ...]
    vi: tuple[str, ...]
    reads: bool
    """Whether the action only reads."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named property of a thing, without its type."""

    name: str
    en: str
    vi: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One constant of an enumeration and how people say it; replies use the first wording, users any."""

    constant: str
    en: str
    vi: str
    en_too: tuple[str, ...] = ()
    vi_too: tuple[str, ...] = ()

    def wordings(self, lang: str) -> tuple[str, ...]:
        """Every way of saying it in `lang`."""
        return (self.vi, *self.vi_too) if lang == "vi" else (self.en, *self.en_too)


@dataclass(frozen=True, slots=True)
class Domain:
    """A line of business: its wording and the nouns it deals with."""

    en: str
    vi: str
    nouns: tuple[Noun, ...]


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def _noun(spec: str) -> Noun:
    en, vi = (part.strip() for part in spec.split("="))
    return Noun(en.replace(" ", "_").replace("-", "_").lower(), en, vi)


def _domains(table: str) -> tuple[Domain, ...]:
    return tuple(Domain(en, vi, tuple(_noun(spec) for spec in nouns.split(","))) for en, vi, nouns in _rows(table))


DOMAINS = _domains("""
online shop|cửa hàng trực tuyến|order=đơn hàng,item=món hàng,voucher=mã giảm giá,basket=giỏ hàng,return=yêu cầu trả hàng,gift card=thẻ quà tặng,review=bài đánh giá,wishlist=danh sách yêu thích,seller=người bán,promotion=chương trình khuyến mãi
bank|ngân hàng|account=tài khoản,card=thẻ,transfer=lệnh chuyển khoản,loan=khoản vay,deposit=khoản tiền gửi,statement=sao kê,beneficiary=người thụ hưởng,dispute=yêu cầu tra soát,standing order=lệnh chi định kỳ,branch=chi nhánh
airline|hãng hàng không|flight=chuyến bay,booking=đặt chỗ,seat=ghế,boarding pass=thẻ lên máy bay,baggage claim=yêu cầu hành lý,itinerary=lịch trình,passenger=hành khách,upgrade request=yêu cầu nâng hạng,lounge pass=vé phòng chờ,meal request=yêu cầu suất ăn
hotel|khách sạn|room=phòng,reservation=đặt phòng,guest=khách lưu trú,invoice=hoá đơn,spa visit=lịch spa,room key=chìa khoá phòng,late checkout=yêu cầu trả phòng muộn,minibar bill=hoá đơn minibar,event hall=sảnh sự kiện,housekeeping task=việc dọn phòng
telecom provider|nhà mạng|sim card=thẻ sim,data plan=gói dữ liệu,phone line=thuê bao,router=bộ định tuyến,outage=sự cố mạng,roaming pass=gói chuyển vùng,top-up=lượt nạp tiền,number port=yêu cầu chuyển mạng,fiber contract=hợp đồng cáp quang,usage report=báo cáo sử dụng
clinic|phòng khám|appointment=lịch hẹn,patient=bệnh nhân,prescription=đơn thuốc,lab test=xét nghiệm,referral=giấy chuyển viện,vaccination=mũi tiêm,medical record=hồ sơ bệnh án,doctor=bác sĩ,ward=khoa điều trị,claim form=phiếu bồi hoàn
university|trường đại học|course=khoá học,student=sinh viên,enrollment=đăng ký học,exam=kỳ thi,scholarship=học bổng,transcript=bảng điểm,lecture=buổi giảng,tuition fee=học phí,dorm room=phòng ký túc xá,thesis=luận văn
logistics company|công ty vận chuyển|shipment=lô hàng,parcel=bưu kiện,pickup=lượt lấy hàng,truck=xe tải,warehouse=kho hàng,container=công-ten-nơ,customs form=tờ khai hải quan,driver=tài xế,route=tuyến đường,pallet=kiện pallet
utility company|công ty điện nước|meter=đồng hồ đo,bill=hoá đơn tiêu dùng,leak report=báo cáo rò rỉ,tariff=biểu giá,connection=điểm đấu nối,inspection=lượt kiểm tra,payment plan=kế hoạch trả góp,water sample=mẫu nước,solar panel=tấm pin mặt trời,power cut=lịch cắt điện
personnel office|phòng nhân sự|employee=nhân viên,leave request=đơn nghỉ phép,payslip=phiếu lương,timesheet=bảng chấm công,job opening=vị trí tuyển dụng,candidate=ứng viên,training=khoá đào tạo,expense report=báo cáo chi phí,badge=thẻ nhân viên,shift=ca làm việc
insurance company|công ty bảo hiểm|policy=hợp đồng bảo hiểm,claim=yêu cầu bồi thường,premium=phí bảo hiểm,damage photo=ảnh thiệt hại,assessor=giám định viên,vehicle=phương tiện,accident report=báo cáo tai nạn,coverage=quyền lợi,quote=báo giá,rider=điều khoản bổ sung
library|thư viện|book=cuốn sách,reader=bạn đọc,loan record=lượt mượn,hold=lượt giữ chỗ,study room=phòng học nhóm,fine=khoản phạt,magazine=tạp chí,archive box=hộp lưu trữ,donation=món tặng,reading club=câu lạc bộ đọc
restaurant chain|chuỗi nhà hàng|table=bàn,menu=thực đơn,dish=món ăn,delivery=đơn giao đồ ăn,supplier=nhà cung cấp,kitchen ticket=phiếu bếp,coupon=phiếu ưu đãi,tasting=buổi thử món,catering order=đơn tiệc,loyalty card=thẻ thành viên
fitness club|câu lạc bộ thể hình|membership=gói hội viên,class=lớp tập,trainer=huấn luyện viên,locker=tủ đồ,training plan=giáo án tập,body scan=lượt đo cơ thể,day pass=vé ngày,court=sân tập,challenge=thử thách,towel service=dịch vụ khăn
property agency|công ty bất động sản|apartment=căn hộ,tenant=người thuê,lease=hợp đồng thuê,viewing=lịch xem nhà,repair job=việc sửa chữa,parking spot=chỗ đậu xe,key set=bộ chìa khoá,rent payment=tiền thuê,neighbor notice=thông báo cư dân,elevator check=lượt kiểm tra thang máy
software company|công ty phần mềm|license=giấy phép,workspace=không gian làm việc,deployment=bản triển khai,incident=sự cố,backup=bản sao lưu,api key=khoá API,feature flag=cờ tính năng,release=bản phát hành,webhook=webhook,subscription=gói đăng ký
event organizer|đơn vị tổ chức sự kiện|ticket=vé,concert=buổi hoà nhạc,speaker=diễn giả,booth=gian hàng,badge print=thẻ đeo in sẵn,schedule=thời gian biểu,sponsor=nhà tài trợ,volunteer=tình nguyện viên,stage=sân khấu,refund batch=đợt hoàn tiền
farm cooperative|hợp tác xã nông nghiệp|field=thửa ruộng,harvest=vụ thu hoạch,tractor=máy kéo,seed batch=lô hạt giống,greenhouse=nhà kính,irrigation job=lượt tưới,soil sample=mẫu đất,crate=thùng nông sản,market stall=sạp chợ,beehive=tổ ong
car rental|công ty cho thuê xe|car=xe ô tô,rental=lượt thuê xe,damage waiver=gói miễn bồi thường,fuel receipt=biên lai xăng,child seat=ghế trẻ em,toll charge=phí cầu đường,pick-up point=điểm nhận xe,driver license=bằng lái,mileage log=nhật ký số km,tire change=lượt thay lốp
museum|bảo tàng|exhibit=hiện vật,guided tour=lượt tham quan,audio guide=máy thuyết minh,artist=hoạ sĩ,restoration=lượt phục chế,school visit=chuyến tham quan học sinh,souvenir=món lưu niệm,gallery=phòng trưng bày,catalog=danh mục,donor=nhà hảo tâm
staff help desk|bộ phận hỗ trợ nội bộ|user account=tài khoản người dùng,workstation=máy trạm,access right=quyền truy cập,mailbox=hộp thư,printer=máy in,security token=khoá bảo mật,phone set=máy điện thoại bàn,installation=lượt cài đặt,network drive=ổ đĩa mạng,work order=phiếu việc
repair workshop|xưởng sửa chữa|device=thiết bị,spare part=linh kiện,warranty=phiếu bảo hành,technician=kỹ thuật viên,repair order=phiếu sửa chữa,estimate=bảng dự toán,laptop=máy tính xách tay,battery=pin,screen=màn hình,bicycle=xe đạp
""")

_VERBS = """
get,fetch,lookup,show,read|look up,check,show me,see the details of,pull up|tra cứu,kiểm tra,xem,xem thông tin,tra giúp|r
create,open,add,new|create,open,add,set up a new|tạo,tạo mới,mở,lập|w
cancel,void,revoke|cancel,call off,revoke|huỷ,huỷ bỏ,thu hồi|w
update,edit,modify,change|update,change,edit,modify|cập nhật,thay đổi,chỉnh sửa,sửa|w
send,mail,deliver|send,mail out,forward|gửi,gửi đi,chuyển gửi|w
schedule,plan,arrange|schedule,arrange,plan|lên lịch,sắp xếp lịch,hẹn lịch|w
approve,accept|approve,accept,sign off|phê duyệt,duyệt,chấp thuận|w
close,finish,complete|close,complete,finish|đóng,kết thúc,hoàn tất|w
reopen|reopen,open again|mở lại|w
extend,prolong|extend,prolong|gia hạn,kéo dài|w
track,trace,locate|track,trace,locate|theo dõi,định vị,xem hành trình|r
verify,validate,confirm|verify,validate,confirm|xác minh,xác nhận,kiểm định|w
pause,suspend,freeze|pause,suspend,put on hold|tạm dừng,tạm ngưng,đình chỉ|w
resume,unfreeze|resume,continue,take off hold|tiếp tục,khôi phục,chạy lại|w
archive,store|archive,put into storage|lưu trữ,cất vào kho lưu|w
delete,remove,erase|delete,remove,erase|xoá,xoá bỏ,gỡ bỏ|w
assign,allocate|assign,allocate|phân công,giao,phân bổ|w
lock,block|lock,block|khoá,chặn|w
unlock,unblock|unlock,unblock|mở khoá,bỏ chặn|w
renew|renew|làm mới,tái tục|w
upgrade|upgrade,move up|nâng cấp,nâng hạng|w
downgrade|downgrade,move down|hạ cấp,hạ hạng|w
activate,enable|activate,enable,switch on|kích hoạt,bật|w
deactivate,disable|deactivate,disable,switch off|vô hiệu hoá,tắt|w
register,enroll|register,sign up for|đăng ký,ghi danh|w
reserve,book|reserve,book|đặt trước,đặt,giữ chỗ|w
export,download|export,download|xuất,tải về|w
print|print,print out|in,in ra|w
calculate,compute,estimate|calculate,work out,estimate|tính,tính toán,ước tính|r
rate,score|rate,give a score to|chấm điểm,đánh giá|w
replace,swap|replace,swap|thay thế,đổi|w
repair,fix|repair,fix|sửa chữa,khắc phục|w
inspect,examine|inspect,examine|giám định,khảo sát|w
report,flag|report,flag|báo cáo,báo lỗi|w
pay,settle|pay,settle|thanh toán,trả tiền cho|w
charge,bill|charge,bill|thu phí,tính phí|w
transfer,move|transfer,move,hand over|chuyển,chuyển giao,dời|w
merge,combine|merge,combine|gộp,hợp nhất|w
share,publish|share,publish|chia sẻ,công bố|w
sync,refresh|sync,refresh|đồng bộ,làm tươi|w
tag,label|tag,label|gắn thẻ,gắn nhãn|w
rename|rename|đổi tên|w
list,browse|list,browse,go through|liệt kê,xem danh sách|r
audit,review|audit,review|rà soát,kiểm toán|r
notify,alert,remind|notify someone about,send a reminder about|thông báo về,nhắc về|w
"""

VERBS = tuple(
    Verb(tuple(names.split(",")), tuple(en.split(",")), tuple(vi.split(",")), access == "r")
    for names, en, vi, access in _rows(_VERBS)
)


def _attributes(table: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(*row) for row in _rows(table))


INTEGERS = _attributes("""
quantity|quantity|số lượng
days_since_delivery|days since delivery|số ngày từ lúc giao
age_days|age in days|số ngày tuổi
nights|number of nights|số đêm
guests|number of guests|số khách
seats|number of seats|số ghế
attempts|number of attempts|số lần thử
points|points|số điểm
distance_km|distance in km|quãng đường (km)
weight_kg|weight in kg|cân nặng (kg)
duration_minutes|duration in minutes|thời lượng (phút)
days_left|days left|số ngày còn lại
months_active|months active|số tháng sử dụng
days_overdue|days overdue|số ngày quá hạn
copies|number of copies|số bản
usage_gb|usage in GB|dung lượng đã dùng (GB)
visits|visits|số lượt ghé
open_cases|open cases|số hồ sơ đang mở
stock|stock|tồn kho
floor|floor|tầng
capacity|capacity|sức chứa
score|score|điểm số
page_count|page count|số trang
wait_days|waiting days|số ngày chờ
credit_score|credit score|điểm tín dụng
mileage|mileage|số km đã đi
hours_used|hours used|số giờ đã dùng
failures|failures|số lần lỗi
prior_claims|earlier claims|số yêu cầu trước đó
year_built|year index|chỉ số năm
temperature|temperature|nhiệt độ
level|level|cấp độ
""")

MONEY = _attributes("""
total|total|tổng tiền
amount|amount|số tiền
price|price|giá
fee|fee|phí
balance|balance|số dư
deposit_paid|deposit paid|tiền cọc đã trả
penalty|penalty|tiền phạt
discount|discount|khoản giảm
outstanding|outstanding sum|số tiền còn nợ
tax|tax|tiền thuế
monthly_cost|monthly cost|chi phí hằng tháng
limit_amount|spending limit|hạn mức chi
bonus|bonus|tiền thưởng
repair_cost|repair cost|chi phí sửa
""")

BOOLEANS = _attributes("""
vip|VIP|khách VIP
paid|paid|đã thanh toán
active|active|đang hoạt động
verified|verified|đã xác minh
insured|insured|có bảo hiểm
refundable|refundable|được hoàn tiền
opened|opened|đã mở
express|express|hoả tốc
gift_wrap|gift wrap|gói quà
notify_customer|notify the customer|thông báo cho khách
urgent|urgent|khẩn cấp
locked|locked|bị khoá
auto_renew|automatic renewal|tự động gia hạn
under_warranty|under warranty|còn bảo hành
has_receipt|has a receipt|có biên lai
fragile|fragile|dễ vỡ
taxable|taxable|chịu thuế
flexible|flexible|linh hoạt
first_time|first time|lần đầu
blocked|blocked|bị chặn
certified|certified|có chứng nhận
include_tax|including tax|gồm thuế
remote|remote|từ xa
overdue|overdue|quá hạn
public|public|công khai
sealed|sealed|còn niêm phong
""")

DATES = _attributes("""
due_date|due date|hạn chót
delivered_on|delivery date|ngày giao
created_on|creation date|ngày tạo
expires_on|expiry date|ngày hết hạn
start_date|start date|ngày bắt đầu
end_date|end date|ngày kết thúc
visit_date|visit date|ngày đến
paid_on|payment date|ngày thanh toán
shipped_on|shipping date|ngày gửi hàng
next_check|next check|ngày kiểm tra tiếp theo
signed_on|signing date|ngày ký
birth_date|date of birth|ngày sinh
return_by|return deadline|hạn trả
last_login|last login|lần đăng nhập cuối
""")

EMAILS = _attributes("""
email|email|email
customer_email|customer email|email khách hàng
contact_email|contact email|email liên hệ
recipient_email|recipient's email|email người nhận
work_email|work email|email công việc
""")

PHONES = _attributes("""
phone|phone number|số điện thoại
contact_phone|contact number|số liên hệ
mobile|mobile number|số di động
callback_number|callback number|số gọi lại
""")

PEOPLE = _attributes("""
customer_name|customer name|tên khách hàng
full_name|full name|họ tên
contact_name|contact name|tên người liên hệ
recipient|recipient|người nhận
owner_name|owner|chủ sở hữu
assignee|assignee|người phụ trách
manager|manager|quản lý
""")

TEXTS = _attributes("""
note|note|ghi chú
comment|comment|nhận xét
subject|subject|tiêu đề
summary|summary|tóm tắt
city|city|thành phố
address|address|địa chỉ
product|product|sản phẩm
description|description|mô tả
keyword|keyword|từ khoá
title|title|tên gọi
""")

_ENUMS = """
status|status|trạng thái|pending=pending=đang chờ,active=active=đang hoạt động,delivered=delivered=đã giao,cancelled=cancelled=đã huỷ,expired=expired=hết hạn,processing=in processing=đang xử lý,completed=completed=hoàn tất,on_hold=on hold=tạm giữ,rejected=rejected=bị từ chối,shipped=shipped=đã gửi đi
channel|channel|kênh|email=by email=qua email,sms=by text message=qua tin nhắn,phone=by phone=qua điện thoại,chat=in the chat=qua chat,post=by post=qua bưu điện,app=in the app=qua ứng dụng
reason|reason|lý do|damaged=it is damaged/it arrived broken/there is a crack in it/it has a scratch/it was in pieces/a part has come off=bị hư hỏng/nhận về đã vỡ/có vết nứt/bị trầy xước/bị móp méo/gãy mất một bộ phận,late=it came late/it took far too long/it arrived after the day I needed it/it was weeks behind=đến muộn/giao quá lâu/đến sau ngày tôi cần/trễ cả tuần,wrong_size=the size is wrong/it does not fit/it is too tight/it is too big for me/it is a size off=sai kích cỡ/không vừa/chật quá/rộng quá so với tôi/lệch một cỡ,duplicate=it is a duplicate/I got it twice/there are two of the same/it was entered two times=bị trùng/tôi nhận hai lần/có hai cái giống nhau/bị ghi hai lần,changed_mind=I changed my mind/I do not want it any more/I do not need it after all/I thought better of it/it is not for me=tôi đổi ý/tôi không muốn nữa/tôi không cần đến nữa/tôi nghĩ lại rồi/không hợp với tôi,too_expensive=it is too expensive/it costs too much/I found it cheaper elsewhere/I cannot afford it=giá quá cao/đắt quá/chỗ khác rẻ hơn/tôi không đủ tiền,lost=it got lost/it never arrived/nobody can find it/it disappeared=bị thất lạc/không thấy đến/không ai tìm ra/biến mất rồi,not_working=it does not work/it will not switch on/it stopped after a day/nothing happens when I press it=không hoạt động/bật không lên/chạy một ngày thì hỏng/bấm không ăn thua,other=some other reason/none of the usual reasons/it is hard to explain=lý do khác/không thuộc lý do thông thường/khó giải thích lắm
priority|priority|mức ưu tiên|low=low priority/no hurry at all/whenever you have time=ưu tiên thấp/không gấp gì/lúc nào rảnh cũng được,normal=normal priority=ưu tiên bình thường,high=high priority=ưu tiên cao,critical=critical/everything stands still/we cannot work at all=mức nghiêm trọng/mọi thứ đứng im/không làm việc được
size|size|kích cỡ|small=small=cỡ nhỏ,medium=medium=cỡ vừa,large=large=cỡ lớn,extra_large=extra large=cỡ rất lớn
color|colour|màu|red=red=màu đỏ,blue=blue=màu xanh dương,green=green=màu xanh lá,black=black=màu đen,white=white=màu trắng,yellow=yellow=màu vàng,grey=grey=màu xám
plan|plan|gói|basic=the basic plan=gói cơ bản,standard=the standard plan=gói tiêu chuẩn,premium=the premium plan=gói cao cấp,family=the family plan=gói gia đình,student=the student plan=gói sinh viên
payment_method|payment method|phương thức thanh toán|cash=cash=tiền mặt,card=by card=bằng thẻ,bank_transfer=by bank transfer=chuyển khoản,wallet=from the wallet=ví điện tử
tier|tier|hạng|bronze=bronze=hạng đồng,silver=silver=hạng bạc,gold=gold=hạng vàng,platinum=platinum=hạng bạch kim
shift_time|time of day|buổi|morning=in the morning/before noon=buổi sáng/trước trưa,afternoon=in the afternoon=buổi chiều,evening=in the evening=buổi tối,night=at night/after dark=ban đêm/khi trời tối
category|category|nhóm|electronics=electronics=điện tử,clothing=clothing=quần áo,food=food=thực phẩm,furniture=furniture=nội thất,books=books=sách,toys=toys=đồ chơi,sports=sports=thể thao
language|language|ngôn ngữ|en=English=tiếng Anh,vi=Vietnamese=tiếng Việt,fr=French=tiếng Pháp,ja=Japanese=tiếng Nhật,ko=Korean=tiếng Hàn
region|region|khu vực|north=the north=miền Bắc,central=the central region=miền Trung,south=the south=miền Nam,west=the west=miền Tây
condition|condition|tình trạng|new=new/never used/still in its wrapping=mới/chưa dùng lần nào/còn nguyên bọc,used=used/second-hand/worn a little=đã qua sử dụng/đồ cũ/đã dùng rồi,refurbished=refurbished=tân trang,broken=broken/out of order/it fell apart=bị hỏng/hư rồi/rã ra rồi
format|format|định dạng|pdf=as PDF=dạng PDF,csv=as CSV=dạng CSV,xlsx=as a spreadsheet=dạng bảng tính,json=as JSON=dạng JSON
severity|severity|mức độ|minor=minor/nothing serious/just a small thing=nhẹ/không có gì nghiêm trọng/chuyện nhỏ thôi,major=major=nặng,fatal=fatal/a complete breakdown=rất nghiêm trọng/hỏng hoàn toàn
delivery_mode|delivery mode|cách giao|standard=standard delivery=giao tiêu chuẩn,express=express delivery=giao nhanh,pickup=pick-up in person/I will come and get it=tự đến lấy/tôi qua lấy,locker=to a locker=giao vào tủ
weekday|weekday|thứ|monday=on Monday=thứ Hai,tuesday=on Tuesday=thứ Ba,wednesday=on Wednesday=thứ Tư,thursday=on Thursday=thứ Năm,friday=on Friday=thứ Sáu,saturday=on Saturday=thứ Bảy,sunday=on Sunday=Chủ nhật
currency|currency|loại tiền|usd=in US dollars=đô la Mỹ,vnd=in dong=đồng Việt Nam,eur=in euros=đồng euro,jpy=in yen=đồng yên
site|site|cơ sở|harbor=the harbor site/the office by the harbor=cơ sở bến cảng/văn phòng ở cảng,central=the central site/downtown=cơ sở trung tâm/trung tâm thành phố,airport=the airport site/out at the airport=cơ sở sân bay/ngoài sân bay,campus=the campus/on campus=cơ sở khuôn viên/trong khuôn viên,plant=the plant/at the factory=cơ sở nhà máy/ở nhà máy
team|team|đội phụ trách|network=the network team=đội mạng,billing=the billing team=đội thanh toán,security=the security team=đội bảo mật,field=the field team=đội hiện trường,quality=the quality team=đội chất lượng,legal=the legal team=đội pháp chế
device_kind|kind of device|loại thiết bị|laptop=a laptop/a notebook=máy xách tay/laptop,phone=a phone/a mobile=điện thoại/di động,tablet=a tablet=máy tính bảng,printer=a printer=máy in,badge=a badge/an entry card=thẻ ra vào/thẻ từ,screen=a screen/a monitor=màn hình
cause|cause|nguyên nhân|forgotten=I forgot it/it slipped my mind/I cannot recall it=tôi quên mất/không nhớ ra nữa/quên khuấy rồi,stolen=it was stolen/somebody took it/it was snatched from my bag=bị đánh cắp/có người lấy mất/bị giật mất,expired=it has expired/it ran out/it is past its date=đã hết hạn/quá hạn rồi/hết hiệu lực,error=an error/there was a fault/something went wrong=bị lỗi/có sự cố/trục trặc gì đó,moved=I have moved/I changed offices/I sit somewhere else now=tôi đã chuyển chỗ/tôi đổi văn phòng/giờ tôi ngồi chỗ khác
risk|risk|rủi ro|low=low risk=rủi ro thấp,medium=medium risk=rủi ro trung bình,high=high risk=rủi ro cao
"""


def _choice(spec: str) -> Choice:
    constant, en, vi = (part.split("/") for part in spec.split("="))
    return Choice(constant[0], en[0], vi[0], tuple(en[1:]), tuple(vi[1:]))


ENUMS = tuple((Attribute(*row[:3]), tuple(_choice(spec) for spec in row[3].split(","))) for row in _rows(_ENUMS))

LISTS = _attributes("""
tags|tags|nhãn
labels|labels|nhãn dán
watchers|people to inform|những người theo dõi
recipients|recipients|những người nhận
channels|channels|các kênh
topics|topics|các chủ đề
extras|extras|các mục thêm
choices|choices|các lựa chọn
members|members|các thành viên
items|items|các món
parts|parts|các phần
areas|areas|các khu
related_ids|related numbers|các mã liên quan
notify|people to alert|những người cần báo
groups|groups|các nhóm
features|features|các tính năng
reasons|reasons|các lý do
approvers|approvers|những người duyệt
codes|codes|các mã
methods|methods|các phương thức
""")

SECRETS = _attributes("""
recovery_code|recovery code|mã khôi phục
temporary_password|temporary password|mật khẩu tạm thời
pin_code|PIN|mã PIN
national_id|national ID number|số căn cước
access_token|access token|mã truy cập
security_answer|security answer|câu trả lời bảo mật
tax_number|tax number|mã số thuế
card_number|card number|số thẻ
home_key|door code|mã cửa
""")

GROUPS = (
    "owner contact requester device details options window target billing profile settings asset impact "
    "delivery schedule location payment source limits subject_person party origin preferences scope handling terms "
    "place period request sender holder"
).split()
"""Keys of objects."""

HOUSE_WORDS = (
    "Ticket|Service Desk|Care Team|Case File|Priority Pass|Help Line|Work Order|Trust Center|Duty Office|Care Plan|"
    "Quality Promise|Member Desk|Fast Track|Claim Desk|Field Team|Safety Check"
).split("|")
"""What a company writes with capitals."""

ONSETS = tuple("b c d f g h j k l m n p r s t v w z br dr gl kr pl st tr vl zh".split())
VOWELS = tuple("a e i o u ai ea io ou".split())
CODAS = ("", "", "n", "r", "l", "k", "m", "s", "x", "rt", "nd")
