# ruff: noqa: SIM905  (word lists)
"""Names of people, cities, products and short texts that fill the values of a conversation."""

from __future__ import annotations

VI_FAMILY = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trương Mai Tạ Cao Lương".split()
)
VI_MIDDLE = "Thị Văn Minh Ngọc Thanh Hữu Đức Quang Thu Kim Bảo Gia Anh Hải Xuân Phương Tuấn Khánh Thuỳ Quốc".split()
VI_GIVEN = (
    "Hoa Lan Hùng Dũng Linh Trang Hương Nam Sơn Thảo Tùng Yến Phúc Khang Ngân Vy Quỳnh Long Hà Mai Bình An Châu "
    "Duy Giang Hạnh Khoa Lâm My Nga Oanh Phong Quân Tâm Thắng Trinh Tú Uyên Việt Hiếu Đạt Nhung Thư Toàn Huy Loan"
).split()
GIVEN = (
    "Anna Ben Clara David Emma Felix Grace Henry Ivy Jack Karen Liam Maria Noah Olivia Peter Quinn Rosa Sam Tina "
    "Umar Vera Walter Xenia Yusuf Zoe Aiko Bruno Chen Dana Elif Fatima Goran Hana Igor Jin Kofi Lena Mateo Nadia "
    "Omar Priya Rafael Sofia Tomas Uma Viktor Wei Yara Zane"
).split()
FAMILY = (
    "Adams Brown Costa Diaz Evans Fischer Garcia Hansen Ito Jones Kumar Lopez Meyer Novak Okafor Park Quist Rossi "
    "Silva Tanaka Usman Varga Wilson Xu Young Zhang Becker Moreau Petrov Singh Larsen Murphy Kaya Haddad Nielsen"
).split()
MAIL_HOSTS = "gmail.com yahoo.com outlook.com mail.vn example.com company.vn fpt.vn proton.me acme.io inbox.org".split()
CITIES = (
    "Hà Nội|Đà Nẵng|Huế|Cần Thơ|Hải Phòng|Nha Trang|Đà Lạt|Vinh|Quy Nhơn|Biên Hoà|London|Paris|Berlin|Tokyo|Oslo|"
    "Madrid|Toronto|Sydney|Seoul|Lisbon|Vienna|Boston|Dublin|Zurich|Singapore|Bangkok"
).split("|")
STREETS = (
    "Lê Lợi|Trần Phú|Nguyễn Huệ|Hai Bà Trưng|Lý Thường Kiệt|Điện Biên Phủ|Main Street|Oak Avenue|River Road|"
    "Station Street|Park Lane|Hill Road|Cách Mạng Tháng Tám|Phan Chu Trinh|Lake View"
).split("|")
PRODUCTS = (
    "rice cooker|wireless mouse|running shoes|coffee grinder|desk lamp|winter jacket|phone case|blender|yoga mat|"
    "electric kettle|backpack|headphones|office chair|water bottle|camera lens|nồi cơm điện|chuột không dây|"
    "giày chạy bộ|máy xay cà phê|đèn bàn|áo khoác|ốp điện thoại|máy xay sinh tố|thảm yoga|ấm siêu tốc|ba lô|"
    "tai nghe|ghế văn phòng|bình nước|ống kính máy ảnh|quạt đứng|máy lọc không khí"
).split("|")
TEXTS_EN = (
    "please call before noon|leave it at the front desk|the door code has changed|handle with care|I will be away|"
    "ring the bell twice|the label is torn|use the side entrance|no nuts please|wrong name on the form|"
    "needs a second check|paper copy wanted|the screen flickers|send it to the office|box was already open|"
    "same time as last week|bring a spare key|the total looks odd|two people will come|keep it cold"
).split("|")
TEXTS_VI = (
    "vui lòng gọi trước buổi trưa|để ở quầy lễ tân giúp tôi|mã cửa đã đổi|nhẹ tay giúp mình|tôi đi vắng|"
    "bấm chuông hai lần|nhãn bị rách|đi cổng phụ|không lấy đậu phộng|sai tên trên phiếu|cần kiểm tra lại lần nữa|"
    "xin thêm bản giấy|màn hình bị nhấp nháy|gửi về văn phòng|hộp đã bị mở sẵn|cùng giờ như tuần trước|"
    "mang theo chìa khoá dự phòng|tổng tiền hơi lạ|sẽ có hai người đến|giữ lạnh giúp em"
).split("|")
MONTHS = "January February March April May June July August September October November December".split()
